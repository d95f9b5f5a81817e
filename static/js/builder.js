/* The builder: rows are dragged ([data-sortable], SortableJS) or moved with Alt and an arrow key ([data-move]), and
   variables are put in at the caret ([data-insert-into] opens #variables, [data-insert] puts in). */
(() => {
  const sortable = (root) => window.Sortable && [root, ...root.querySelectorAll("[data-sortable]")].forEach((list) => {
    if (!list.matches("[data-sortable]") || Sortable.get(list)) return;
    Sortable.create(list, { handle: ".grip", animation: 120, onUpdate: () => htmx.trigger(list, "sorted") });
  });
  let field = null;
  document.addEventListener("htmx:load", (e) => sortable(e.detail.elt));
  sortable(document.body);
  document.addEventListener("keydown", (e) => {
    const move = e.altKey && e.target.closest("[data-sortable] > li")?.querySelector(`[data-move="${e.key}"]:enabled`);
    if (move) { e.preventDefault(); move.click(); }
  });
  document.addEventListener("click", (e) => {
    const opens = e.target.closest("[data-insert-into]"), puts = e.target.closest("[data-insert]");
    if (opens) field = document.getElementById(opens.dataset.insertInto);
    if (!puts || !field) return;
    field.setRangeText(puts.dataset.insert, field.selectionStart, field.selectionEnd, "end");
    document.getElementById("variables").hidePopover();
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
})();
