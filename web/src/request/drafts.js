// What was typed and not sent yet. It lives as long as the browser tab, so that neither a sign-in that ended nor a
// visit at the sign-in service loses it.
const PREFIX = 'guichet:draft:';

export function readDraft(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name) ?? '{}');
  } catch {
    return {};
  }
}

export function keepDraft(name, draft) {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(draft));
  } catch {
    // Storage may be switched off, or full. The form works all the same.
  }
}

export function dropDraft(name) {
  try {
    sessionStorage.removeItem(PREFIX + name);
  } catch {
    // As above.
  }
}

/** For the next person at this browser tab. */
export function dropAllDrafts() {
  try {
    const names = Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX));
    names.forEach((name) => sessionStorage.removeItem(name));
  } catch {
    // As above.
  }
}
