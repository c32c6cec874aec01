"""Every figure: each module has draw(study), which gives figures by the names of their files."""
