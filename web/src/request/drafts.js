// What was typed and not sent yet. It lives as long as the browser tab, so that neither a sign-in that ended nor a
// visit at the sign-in service loses it. It is its author's: another person at the same tab begins with nothing.
import { useState } from 'react';
import { usePage } from './hooks.js';

const PREFIX = 'guichet:draft:';

/** What is typed into the form of this name: a `draft` with the parts of `empty`. `drop` is for what was sent. */
export function useDraft(name, empty) {
  const { subject } = usePage();
  const key = `${subject} ${name}`;
  const [draft, setDraft] = useState(() => ({ ...empty, ...readDraft(key) }));

  function change(part) {
    const next = { ...draft, ...part };
    setDraft(next);
    keepDraft(key, next);
  }

  function drop() {
    setDraft(empty);
    dropDraft(key);
  }

  return { draft, change, drop };
}

function readDraft(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name) ?? '{}');
  } catch {
    return {};
  }
}

function keepDraft(name, draft) {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(draft));
  } catch {
    // Storage may be switched off, or full. The form works all the same.
  }
}

function dropDraft(name) {
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
