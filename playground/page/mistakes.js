"use strict";
// The classical mistakes with BatchNorm, in the words of docs/batchnorm.md. `steps`: those of a right program before it.

const MISTAKES = [
  {
    title: "Evaluating in training mode",
    text: "The predictions then depend on the rest of the batch, and the running statistics include test data.",
    look: "Each row of the picture is a batch of points of one height. Normalised by its own mean, it loses that height: all rows look alike. “Test right” falls, for the test points come sorted by class. Choose eval() again: asking has spoilt what BatchNorm remembers, until training mends it.",
    buttons: [["Make it", { evaluation: "train" }]],
    base: { norm: "batch" }, steps: 400,
  },
  {
    title: "Not going back",
    text: "After the evaluation at the end of an epoch, call train() again: otherwise the running statistics stay the same while the weights change.",
    look: "“Batches counted” stands still at 10, the lines stay where they are, and the dots of the batches leave them. At a rate of 0.5 nothing holds the values that go through the network: many seeds end in NaN.",
    buttons: [["Make it", { training: "eval" }], ["… at a rate of 0.5", { training: "eval", rate: "0.5" }]],
    base: { norm: "batch" }, steps: 10, anew: true,
  },
  {
    title: "Batches of one",
    text: "One value has no variance. Norma refuses to train on it, and says in which layer; in eval() it is fine.",
    look: "Read what Norma says above. Then try a batch size of 2: allowed, and noisy.",
    buttons: [["Make it", { batch: "1" }]],
    base: { norm: "batch" }, steps: 0,
  },
  {
    title: "The wrong axis",
    text: "BatchNorm takes axis 1 for its channels. Here the batch [N, C] is handed over as [1, N, C]: axis 1 are the samples.",
    look: "Where sizes tell, Norma refuses and says what to write. Where N happens to equal C, 25 points in a layer of 25 units, nothing can tell: it runs, each place in the batch gets statistics of its own, and the points are told apart badly.",
    buttons: [["Make it", { axis: "wrong" }], ["… where nothing can tell", { axis: "wrong", widths: "25,25", batch: "25" }]],
    base: { norm: "batch", widths: "32,32", batch: "50" }, steps: 0,
  },
  {
    title: "Dropout before BatchNorm",
    text: "Dropout keeps the mean and raises the variance, so a BatchNorm behind it remembers a variance that evaluation never sees. Put Dropout after the last BatchNorm.",
    look: "In hidden layers 2 and 3, the squares of the test points lie below the remembered deviations: “remembered variance / the test points'” is well above 1.",
    buttons: [["Make it", { place: "before", dropout: "0.5", widths: "32,32,32" }], ["Dropout where it belongs", { place: "after", dropout: "0.5", widths: "32,32,32" }]],
    base: { norm: "batch" }, steps: 0,
  },
];
const RIGHT = { training: "train", evaluation: "eval", axis: "right", place: "after", dropout: "0", batch: "50", rate: "0.1", clear: "yes", shuffle: "yes" };

// Before it, the program is right, so that what one sees is this mistake's.
function makeMistake(index, button = 0) {
  const mistake = MISTAKES[index];
  pause();
  change({ ...RIGHT, ...mistake.base });
  if (mistake.anew) restart();
  if (!learn(mistake.steps)) return;
  change(mistake.buttons[button][1]);
  for (const [i, item] of [...byId("mistake-list").children].entries()) {
    if (i === index) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  }
  window.scrollTo(0, 0);
  announce(`Mistake ${index + 1}: ${mistake.title}. ${mistake.look}`);
  run();
}

function putRight() {
  for (const item of byId("mistake-list").children) item.removeAttribute("aria-current");
  change(RIGHT);
  announce("Put right: learns in train(), is asked in eval(), batches of 50");
}

function listMistakes() {
  byId("mistake-list").append(...MISTAKES.map((mistake, index) => {
    const buttons = mistake.buttons.map(([label], button) => {
      const node = element("button", { type: "button", textContent: label });
      node.setAttribute("aria-label", `${mistake.title}: ${label}`);
      node.addEventListener("click", () => makeMistake(index, button));
      return node;
    });
    return element("li", {}, element("h3", { textContent: `${index + 1}. ${mistake.title}` }), element("p", { textContent: mistake.text }),
      element("p", { className: "note", textContent: mistake.look }), element("div", { className: "row" }, ...buttons));
  }));
  byId("right").addEventListener("click", putRight);
}
