// The arrow keys on the heat map: from a number to the next one that way. Tab works without this file.

const map = document.querySelector(".heat");
const WAYS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

if (map) {
  const cells = new Map([...map.querySelectorAll("a[data-row]")].map((each) => [`${each.dataset.row}.${each.dataset.column}`, each]));
  const size = Math.max(...[...cells.values()].flatMap((each) => [Number(each.dataset.row), Number(each.dataset.column)]), 0);
  map.addEventListener("keydown", (event) => {
    const way = WAYS[event.key];
    const here = event.target.closest("a[data-row]");
    if (!way || !here) return;
    event.preventDefault();
    for (let step = 1; step <= size; step += 1) {
      const next = cells.get(`${Number(here.dataset.row) + way[0] * step}.${Number(here.dataset.column) + way[1] * step}`);
      if (next) {
        next.focus();
        return;
      }
    }
  });
}
