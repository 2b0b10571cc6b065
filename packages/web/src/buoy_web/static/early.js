// Runs before the page is drawn, so that nothing flashes: what the reader has chosen before.

const chosen = {
  get(name) {
    try {
      return localStorage.getItem(`buoy-${name}`);
    } catch {
      return null; // storage is blocked
    }
  },
  set(name, value) {
    document.documentElement.dataset[name] = value;
    try {
      localStorage.setItem(`buoy-${name}`, value);
    } catch {
      // Storage is blocked: the choice lasts for this page.
    }
  },
};

document.documentElement.classList.add("js");
for (const name of ["theme", "times"]) {
  const value = chosen.get(name);
  if (value) document.documentElement.dataset[name] = value;
}
