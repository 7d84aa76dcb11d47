import { createContext, useCallback, useContext, useEffect, useRef, useState } from 'react';
import { newKey, Problem } from './api.js';

/**
 * What every view knows: `api`, `name` (of the organization), `link` (the page's address as the server writes it),
 * `subject` (who is signed in).
 */
export const Page = createContext(null);

export const usePage = () => useContext(Page);

const NOTHING_YET = { data: null, problem: null, quiet: 0 };

/** How long to wait before asking again after something changed, and at most; in milliseconds. */
const SOON = 4_000;
const LATE = 60_000;

/** Answers that bring nothing new are asked for less and less often, and a server that does not answer even less. */
function pauseAfter({ problem, quiet }) {
  return Math.min(SOON * (problem ? 2 : 1.25) ** quiet, LATE);
}

/**
 * The answer to a query. Where `isOpen` says of the data that they will change, it is asked for again: soon where they
 * just did. A hidden page does not ask; shown again, it asks at once. What there is stays while an answer is missing.
 */
export function useQuery(operation, variables, isOpen) {
  const { api } = usePage();
  const [answer, setAnswer] = useState(NOTHING_YET);
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((turn) => turn + 1), []);
  const asked = JSON.stringify(variables);

  useEffect(() => {
    let isCurrent = true;
    const answered = (next) => isCurrent && setAnswer(next);
    api(operation, JSON.parse(asked)).then(
      (data) =>
        answered((before) => {
          const isSame = JSON.stringify(data) === JSON.stringify(before.data);
          return { data, problem: null, quiet: isSame ? before.quiet + 1 : 0 };
        }),
      (problem) => answered(({ data, quiet }) => ({ data, problem, quiet: quiet + 1 })),
    );
    return () => {
      isCurrent = false;
    };
  }, [api, operation, asked, turn]);

  const pause = answer.data && isOpen?.(answer.data) ? pauseAfter(answer) : 0;
  useEffect(() => {
    if (!pause) return undefined;
    let timer;
    const wait = () => {
      timer = setTimeout(reload, pause);
    };
    const turned = () => {
      clearTimeout(timer);
      if (!document.hidden) reload();
    };
    if (!document.hidden) wait();
    document.addEventListener('visibilitychange', turned);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', turned);
    };
  }, [answer, pause, reload]);

  const { data, problem } = answer;
  return { data, problem, reload };
}

/**
 * Sends a mutation. `send` gives its payload, or null where it was refused: `errors` then holds why, of the form of
 * `userErrors`. A repeatable one that got no answer is sent again under its key, so that nothing is done twice. Where
 * the server refused it, what is shown may be old: `onRefused` is called.
 */
export function useMutation(operation, isRepeatable = false, onRefused = undefined) {
  const { api } = usePage();
  const [state, setState] = useState({ isBusy: false, errors: [] });
  const isBusy = useRef(false);
  const unanswered = useRef(null);

  async function send(input) {
    if (isBusy.current) return null;
    isBusy.current = true;
    setState(({ errors }) => ({ isBusy: true, errors }));
    const text = JSON.stringify(input);
    if (unanswered.current?.text !== text) unanswered.current = { text, key: newKey() };
    let payload = null;
    let errors;
    try {
      const data = await api(operation, {
        input: isRepeatable ? { ...input, idempotencyKey: unanswered.current.key } : input,
      });
      unanswered.current = null;
      [payload] = Object.values(data);
      errors = payload.userErrors;
      if (errors.length > 0) onRefused?.();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      errors = [{ code: null, message: problem.message, field: null }];
    } finally {
      isBusy.current = false;
    }
    setState({ isBusy: false, errors });
    return errors.length === 0 ? payload : null;
  }

  return { ...state, send, refuse: (errors) => setState({ isBusy: false, errors }) };
}
