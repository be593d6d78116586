// Tab stops only at those parts of a page that scroll; arrow keys scroll them from there. Without
// scripts, it stops at all that may scroll in a narrow window: `docs/rendering.py` marks them. A
// part that has the focus already, as when it was unfolded just now, keeps it.

{
  const parts = document.querySelectorAll(
    'article [tabindex="0"]:is(pre, .math, .cell_output, .table-wrapper)',
  );
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const isWider = target.scrollWidth > target.clientWidth;
      const isHigher = target.scrollHeight > target.clientHeight;
      const isCut = getComputedStyle(target).overflowX !== "visible";
      if (isCut && (isWider || isHigher)) target.setAttribute("tabindex", "0");
      else if (target !== document.activeElement) target.removeAttribute("tabindex");
    }
  });
  for (const part of parts) observer.observe(part);
}
