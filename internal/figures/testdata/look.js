// Looks at the picture in each frame and writes what it finds into the page.
addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].map((frame) => {
    const page = frame.contentDocument, outer = page.querySelector("svg").getBoundingClientRect();
    const texts = [...page.querySelectorAll("text")], boxes = texts.map((text) => text.getBoundingClientRect());
    const wrong = [], colours = {};
    boxes.forEach((a, i) => {
      if (a.left < outer.left - 1 || a.right > outer.right + 1 || a.top < outer.top - 1 || a.bottom > outer.bottom + 1) {
        wrong.push(`leaves the picture: ${texts[i].textContent}`);
      }
      boxes.slice(0, i).forEach((b, j) => {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 1 && high > 1) wrong.push(`lies on another: ${texts[i].textContent} on ${texts[j].textContent}`);
      });
    });
    if (page.documentElement.scrollWidth > frame.clientWidth) wrong.push("is wider than the page");
    page.querySelectorAll("rect, text").forEach((shape) => {
      colours[[...shape.classList].at(-1)] = page.defaultView.getComputedStyle(shape).fill;
    });
    return { Name: frame.title, Texts: texts.length, Wrong: wrong, Colours: colours };
  });
  const out = document.createElement("pre");
  out.id = "seen";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
});
