"use strict";

// The explorer: five pictures of one test image, cut out of sprites that the page carries. A sprite has a row for each
// condition and a column for each image.
(function () {
  const data = JSON.parse(document.getElementById("explorer-data").textContent);
  const root = document.getElementById("explorer");
  if (!root) return;
  const control = (name) => root.querySelector(`[name=${name}]`);
  const names = ["task", "condition", "restorer", "method"];
  const views = ["original", "observed", "restored", "difference", "uncertainty"];
  const said = root.querySelector("[role=status]");
  const decoded = new Map(); // sprite -> promise of its picture
  let turn = 0; // the latest change; what an earlier one still waits for is not drawn

  function picture(sprite) {
    if (!decoded.has(sprite)) {
      const image = new Image();
      image.src = sprite;
      decoded.set(sprite, image.decode().then(() => image));
    }
    return decoded.get(sprite);
  }

  function fill(name, words, wanted) {
    const select = control(name);
    const before = wanted === undefined ? select.selectedOptions[0]?.textContent : wanted;
    select.replaceChildren(...words.map((word, place) => new Option(word, place)));
    const place = words.indexOf(before);
    select.value = place < 0 ? Math.floor(words.length / 2) * (name === "condition") : place;
  }

  const task = () => data.tasks[control("task").value];
  const restorer = () => task().restorers[control("restorer").value];
  const method = () => restorer().methods[control("method").value];
  const image = () => Number(root.querySelector("[name=image]:checked").value);

  // Fill what depends on the choice that has changed, keeping the others where they still exist.
  function offer(changed) {
    if (changed === "task") {
      fill("condition", task().conditions.map((value) => `${task().condition_name} ${value}`));
      fill("restorer", task().restorers.map((one) => one.name), control("restorer").options.length ? undefined : first());
      thumbs();
    }
    if (changed === "task" || changed === "restorer") {
      const words = restorer().methods.map((one) => one.name);
      const before = control("method").selectedOptions[0]?.textContent;
      fill("method", words, words.includes(before) ? before : "posterior mean");
    }
  }

  // The restorer shown first: the prior whose posterior means of these images are best.
  function first() {
    const able = task().restorers.filter((one) => one.methods.some((way) => way.uncertainty));
    const quality = (one) => {
      const known = one.methods.find((way) => way.uncertainty).psnr.flat().filter((value) => value !== null);
      return known.reduce((sum, value) => sum + value, 0) / known.length;
    };
    return able.reduce((best, one) => (quality(one) > quality(best) ? one : best)).name;
  }

  function thumbs() {
    const before = root.querySelector("[name=image]:checked");
    const place = before ? Math.min(before.value, task().images - 1) : 0;
    const box = root.querySelector("fieldset");
    box.querySelectorAll(".thumb").forEach((one) => one.remove());
    for (let number = 0; number < task().images; number++) {
      const label = document.createElement("label");
      label.className = "thumb";
      const input = document.createElement("input");
      Object.assign(input, { type: "radio", name: "image", value: number, checked: number === Number(place) });
      input.setAttribute("aria-label", title(number));
      const canvas = document.createElement("canvas");
      label.append(input, canvas);
      box.append(label);
      const { original } = task();
      picture(original).then((sprite) => cut(canvas, sprite, 0, number));
    }
  }

  function title(number) {
    const { labels } = task();
    return `image ${number + 1}` + (labels ? `, class ${labels[number]}` : "");
  }

  function cut(canvas, sprite, row, column) {
    const side = task().size;
    canvas.width = canvas.height = side;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(sprite, column * side, row * side, side, side, 0, 0, side, side);
    return context.getImageData(0, 0, side, side);
  }

  // Restored minus original. Grey images: red where too bright, blue where too dark, white where equal; colours: mid-grey
  // where equal.
  function subtract(canvas, restored, original) {
    const context = canvas.getContext("2d");
    canvas.width = canvas.height = task().size;
    const out = context.createImageData(restored.width, restored.height);
    for (let place = 0; place < out.data.length; place += 4) {
      for (let channel = 0; channel < 3; channel++) {
        const difference = restored.data[place + channel] - original.data[place + channel];
        if (task().channels === 3) out.data[place + channel] = 127.5 + difference / 2;
        else out.data[place + channel] = 255 - Math.abs(difference) * (channel === 1 || (channel === 0) === difference < 0);
      }
      out.data[place + 3] = 255;
    }
    context.putImageData(out, 0, 0);
  }

  async function draw() {
    const mine = ++turn;
    const [column, row] = [image(), Number(control("condition").value)];
    const { uncertainty, restored, psnr } = method();
    const sprites = await Promise.all([task().original, task().observed, restored, uncertainty].map((one) => one && picture(one)));
    if (mine !== turn) return;
    const canvas = Object.fromEntries(views.map((name) => [name, root.querySelector(`[data-view=${name}] canvas`)]));
    const original = cut(canvas.original, sprites[0], row, column);
    cut(canvas.observed, sprites[1], row, column);
    subtract(canvas.difference, cut(canvas.restored, sprites[2], row, column), original);
    if (uncertainty) cut(canvas.uncertainty, sprites[3], row, column);
    root.querySelector("[data-view=uncertainty]").classList.toggle("none", !uncertainty);
    const known = uncertainty
      ? `standard deviation; white: ${data.most_uncertain} and more`
      : "this method gives one image and no uncertainty";
    root.querySelector("[data-view=uncertainty] .about").textContent = known;

    const condition = control("condition").selectedOptions[0].textContent;
    const quality = psnr[row][column];
    const where = task().hides ? " in what is hidden" : "";
    const much = quality === null ? `equals the original${where}` : `${quality.toFixed(1)} dB${where}`;
    said.textContent = `${title(column)}, ${condition}, ${restorer().name}, ${method().name}: ${much}.`;
    for (const name of views) canvas[name].setAttribute("aria-label", `${name}: ${title(column)}, ${condition}`);
    root.dataset.drawn = said.textContent;
  }

  fill("task", data.tasks.map((one) => one.name));
  offer("task");
  root.addEventListener("change", (event) => {
    if (names.includes(event.target.name)) offer(event.target.name);
    draw();
  });
  root.hidden = false;
  draw();
})();
