import { createContext, useCallback, useContext, useEffect, useRef, useState } from 'react';
import { newKey, Problem } from './api.js';

/** What every view knows: `api`, `name` (of the organization), `link` (the page's address as the server writes it). */
export const Page = createContext(null);

export const usePage = () => useContext(Page);

const NOTHING_YET = { data: null, problem: null };

/**
 * The answer to a query. `every` says, for the data there is, after how many milliseconds to ask again, or nothing.
 * A hidden page does not ask; shown again, it asks at once. What there is stays while an answer is missing.
 */
export function useQuery(operation, variables, every) {
  const { api } = usePage();
  const [answer, setAnswer] = useState(NOTHING_YET);
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((turn) => turn + 1), []);
  const asked = JSON.stringify(variables);

  useEffect(() => {
    let isCurrent = true;
    api(operation, JSON.parse(asked)).then(
      (data) => isCurrent && setAnswer({ data, problem: null }),
      (problem) => isCurrent && setAnswer(({ data }) => ({ data, problem })),
    );
    return () => {
      isCurrent = false;
    };
  }, [api, operation, asked, turn]);

  const pause = answer.data && every?.(answer.data);
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

  return { ...answer, reload };
}

/**
 * Sends a mutation. `send` gives its payload, or null where it was refused: `errors` then holds why, of the form of
 * `userErrors`. A repeatable one that got no answer is sent again under its key, so that nothing is done twice.
 */
export function useMutation(operation, isRepeatable = false) {
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
