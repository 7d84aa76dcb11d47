// What the views are made of.
import { useEffect, useId, useRef, useState } from 'react';
import { usePage } from './hooks.js';
import { duration, moment } from './words.js';

/** Where the page begins, the browser has the focus right; every later view takes it. */
let isFirst = true;

/** A view: its heading takes the focus, and names the document. */
export function View({ title, children }) {
  const { name } = usePage();
  const heading = useRef(null);
  useEffect(() => {
    document.title = `${title} · ${name}`;
  }, [title, name]);
  useEffect(() => {
    if (!isFirst) heading.current.focus();
    isFirst = false;
  }, []);
  return (
    <main>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </main>
  );
}

/** For what had the focus and goes away with what it was for. */
export const focusHeading = () => document.querySelector('h1').focus();

/** In place of a view whose answer is not there. */
export function Waiting({ problem, onRetry }) {
  if (!problem) {
    return (
      <main>
        <p role="status">Loading…</p>
      </main>
    );
  }
  return (
    <View title="This does not work now">
      <p role="alert">{problem.message}</p>
      {problem.kind !== 'unknown' && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </View>
  );
}

export const Moment = ({ at }) => <time dateTime={at}>{moment(at)}</time>;

export const Lasting = ({ text }) => <time dateTime={text}>{duration(text)}</time>;

/** A list of names and values; without those that have none. */
export function Facts({ children }) {
  return <dl className="facts">{children}</dl>;
}

export function Fact({ name, children }) {
  if (children === null || children === undefined || children === false) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** What a package gives. */
export function ResourceRoles({ roles }) {
  return (
    <ul>
      {roles.map(({ id, displayName, resource }) => (
        <li key={id}>
          {resource.displayName}: {displayName}
        </li>
      ))}
    </ul>
  );
}

/**
 * Why something was not accepted: `errors` with a `message` and, where they are about a field, its `label` and the `id`
 * of what takes the focus. With each new `refusal`, which they come from, the summary takes the focus.
 */
export function ErrorSummary({ refusal, errors, title = 'This was not sent' }) {
  const box = useRef(null);
  useEffect(() => {
    if (refusal.length > 0) box.current.focus();
  }, [refusal]);
  if (errors.length === 0) return null;

  function go(event, id) {
    // The address stays as it is: what stands behind its `#` says which view this is.
    event.preventDefault();
    document.getElementById(id)?.focus();
  }

  return (
    <div ref={box} className="errors" role="alert" tabIndex={-1}>
      <h2>{title}</h2>
      <ul>
        {errors.map(({ message, label, id }) => (
          <li key={`${id} ${message}`}>
            {id ? (
              <a href={`#${id}`} onClick={(event) => go(event, id)}>
                {label}: {message}
              </a>
            ) : (
              message
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The errors of a form, each with its field; `fields` holds `[label, id]` by the last part of the path. */
export function placed(errors, fields, reason) {
  return errors.map((error) => {
    const [label, id] = fields[error.field?.at(-1)] ?? [];
    return { message: reason(error), label, id };
  });
}

/** Errors for the fields of a form, by their `name`, that hold part of a date: to a script they look empty. */
export function halfTyped(form) {
  const fields = [...form.elements].filter(({ validity }) => validity?.badInput);
  const message = 'The date or the time is not complete, or there is none like it.';
  return fields.map(({ name }) => ({ code: null, message, field: ['input', name] }));
}

/** A field with its label, its hint, and what is wrong with it. `children` is given what the control needs. */
export function Field({ id, label, lang, hint, error, isRequired, children }) {
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div className="field">
      <label htmlFor={id} lang={lang}>
        {label}
        {isRequired && <Required />}
      </label>
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p className="error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {children({
        id,
        required: isRequired,
        'aria-invalid': error ? 'true' : undefined,
        'aria-describedby': described || undefined,
      })}
    </div>
  );
}

/** Stands in a label or legend, whose language may be another one. */
export const Required = () => (
  <span className="required" lang="en">
    {' '}
    (required)
  </span>
);

export function TextArea({ value, onChange, ...control }) {
  return <textarea rows={4} {...control} value={value} onChange={(event) => onChange(event.target.value)} />;
}

export function Input({ value, onChange, ...control }) {
  return <input {...control} value={value} onChange={(event) => onChange(event.target.value)} />;
}

/** The button that sends a form. It keeps the focus while it waits. */
export function Send({ isBusy, children, ...more }) {
  return (
    <button type="submit" className="main" aria-disabled={isBusy} {...more}>
      {isBusy ? 'Sending…' : children}
    </button>
  );
}

/** Something that one does rarely, behind its name: a form. It is open from the beginning for who was about to do it. */
export function Aside({ summary, isBegun, children }) {
  const [isOpen] = useState(isBegun);
  return (
    <details open={isOpen}>
      <summary>{summary}</summary>
      {children}
    </details>
  );
}

/** A prefix for ids that no other form has. */
export const useIds = () => {
  const prefix = useId().replace(/[^\w-]/g, '');
  return (name) => `${prefix}-${name}`;
};
