"A notebook as a page: its explorers work, and without their state it shows the still picture."

import nbformat
import pytest
from browser import wait_for_drawing

from lesson7 import SmoothingExplorer
from lesson7.course.export import export_notebook

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
UGLY = "<script>fetch('https://example.org')</script>"


def notebook_with(explorer, has_state):
    "Return a notebook that shows an explorer, as JupyterLab saves it."
    from ipywidgets.embed import dependency_state

    data = explorer._repr_mimebundle_()[0]
    output = nbformat.v4.new_output("display_data", data=data)
    hidden = nbformat.v4.new_code_cell("#| hide\nhidden_value = 1")
    shown = nbformat.v4.new_code_cell("explorer", outputs=[output])
    html = nbformat.v4.new_output("display_data", data={"text/html": UGLY})
    other = nbformat.v4.new_code_cell("other", outputs=[html])
    nb = nbformat.v4.new_notebook(cells=[hidden, shown, other])
    if has_state:
        state = dependency_state([explorer], drop_defaults=False)
        nb.metadata["widgets"] = {STATE: dict(state=state, version_major=2, version_minor=0)}
    return nb


@pytest.mark.parametrize("has_state", [True, False])
def test_an_exported_notebook_works_without_a_connection(has_state, new_page, tmp_path):
    file = tmp_path / "notes.ipynb"
    nbformat.write(notebook_with(SmoothingExplorer(eps=0.2), has_state), file)
    page = new_page()  # fails on any request, and on errors
    page.goto(export_notebook(file).as_uri())
    if has_state:
        page.locator(".l7-headline").wait_for()
        before = page.locator(".l7-headline").inner_text()
        page.get_by_label("eps", exact=True).first.press("ArrowRight")
        wait_for_drawing(page)
        assert page.locator(".l7-headline").inner_text() != before
    else:
        assert page.locator("img").evaluate("(image) => image.naturalWidth") > 100
        assert page.locator(".l7").count() == 0
    text = file.with_suffix(".html").read_text()
    assert "hidden_value" not in text and "example.org" not in text


def test_what_is_no_notebook_is_refused(tmp_path):
    file = tmp_path / "a.ipynb"
    for text in ("", "{", "[]", "{}"):
        file.write_text(text)
        with pytest.raises(ValueError, match=r"a\.ipynb must be a notebook, got"):
            export_notebook(file)
    assert [path.name for path in tmp_path.iterdir()] == ["a.ipynb"]
