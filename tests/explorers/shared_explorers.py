"Pages of explorers that the tests of a file share. Each test finds them as they were opened."

from explorer_page import OPEN_MORE, page_state, restart

VIEWPORT = dict(width=1280, height=720)
MEDIA = dict(color_scheme="light", reduced_motion="no-preference", forced_colors="none")
CLOSE_MORE = """() => {
  for (const details of document.querySelectorAll(".l7-more")) details.open = false;
}"""


def adapt(page, viewport=VIEWPORT, **media):
    "Set what the options of a browser context set for a new page."
    page.emulate_media(media="screen", **MEDIA | media)
    page.set_viewport_size(viewport)


class SharedExplorers:
    "A page for each name, loaded once."

    def __init__(self, pages, load):
        self.pages = pages  # `LocalPages`
        self.load = load  # `load(page, name)`: shows explorers in an empty page
        self.loaded = {}  # name -> page, and what it showed at first
        self.in_use = set()  # names that the present test has opened

    def is_free(self, name, options):
        "Return whether the test has not opened this page, and can share it with these options."
        return name not in self.in_use and options.keys() <= {"viewport", *MEDIA}

    def open(self, name, more=True, **options):
        "Return a page as it was opened; it has these options of a context."
        self.in_use.add(name)
        page = self._restarted(name) or self._load(name)
        page.evaluate(OPEN_MORE if more else CLOSE_MORE)
        adapt(page, **options)
        return page

    def end_test(self):
        "Return the faults of all pages since the last test."
        self.in_use.clear()
        faults = list(self.pages.faults)
        self.pages.faults.clear()
        return faults

    def _restarted(self, name):
        "Return the page; None if there is none, or if a test has left something in it."
        page, first_state = self.loaded.pop(name, (None, None))
        if page is None or page.is_closed():
            return None
        adapt(page)
        restart(page)
        if page_state(page) != first_state:
            page.context.close()
            return None
        self.loaded[name] = page, first_state
        return page

    def _load(self, name):
        page = self.pages.open()
        self.load(page, name)
        self.loaded[name] = page, page_state(page)
        return page
