"""All that the stages have left -> metrics/: tidy tables, columns.csv that explains them, summary.json for DVC."""

from stages.pipeline.artifacts import METRICS
from stages.pipeline.command import no_arguments, say
from stages.pipeline.params import load_params
from stages.pipeline.storage import json_writer, publish_folder, table_writer
from stages.report.columns import column_rows
from stages.report.schemas import OF_LABELS
from stages.report.study import Study
from stages.report.summary import summarise
from stages.report.tables import all_tables


def main() -> None:
    no_arguments(__doc__)
    params = load_params()
    study = Study(params)
    accuracy = study.accuracy()
    tables = all_tables(study)
    writers = {f"{name}.csv": table_writer(table) for name, table in tables.items()}
    columns = table_writer(column_rows({name: [*map(str, tables[name])] for name in sorted(tables)}))
    summary = summarise(tables, params)
    if accuracy is None:
        say(f"measure: the images have no labels: left out are {', '.join(OF_LABELS)} and features by class")
    else:
        summary["classifier"] = {"test_accuracy": accuracy}
    publish_folder(METRICS, ".csv", writers | {"columns.csv": columns, "summary.json": json_writer(summary)})
