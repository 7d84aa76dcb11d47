// States, codes, times: in words.

/** The page speaks English; of the languages that the person reads, the first English one writes the dates. */
const LOCALE = navigator.languages.find((language) => /^en\b/i.test(language)) ?? 'en-GB';

/** The language in which questions are asked for. */
export const LANGUAGE = navigator.language;

const MOMENT = new Intl.DateTimeFormat(LOCALE, { dateStyle: 'long', timeStyle: 'short' });
const AND = new Intl.ListFormat(LOCALE, { type: 'conjunction' });
const OR = new Intl.ListFormat(LOCALE, { type: 'disjunction' });
const UNITS = { D: 'day', H: 'hour', M: 'minute', S: 'second' };

export const moment = (time) => MOMENT.format(new Date(time));
/** Each of these once: "A, B or C". */
export const either = (words) => OR.format(new Set(words));

/** `P14DT12H` as "14 days and 12 hours". */
export function duration(text) {
  const parts = [...text.matchAll(/(\d+)([DHMS])/g)].map(([, count, unit]) =>
    new Intl.NumberFormat(LOCALE, { style: 'unit', unit: UNITS[unit], unitDisplay: 'long' }).format(Number(count)),
  );
  return AND.format(parts);
}

/** The value of a field for date and time as the API takes it; the field means the time zone of the browser. */
export const instant = (local) => (local ? new Date(local).toISOString() : undefined);

export const OPEN_REQUESTS = ['SUBMITTED', 'PENDING_APPROVAL', 'SCHEDULED', 'DELIVERING'];
export const HELD = ['SCHEDULED', 'DELIVERING', 'DELIVERED', 'PARTIALLY_DELIVERED', 'REVOKING'];
/** Beside what is held: what somebody should have. */
export const NOT_OVER = [...HELD, 'DELIVERY_FAILED'];

/** What requests of each type ask for. */
export const REQUEST_TYPE = {
  ADMIN_ADD: 'Access that an administrator gives',
  ADMIN_REMOVE: 'Access that an administrator takes away',
  SYSTEM_REMOVE: 'Access that ends',
  USER_ADD: 'Request for access',
  USER_EXTEND: 'Request to keep access longer',
  USER_REMOVE: 'Access that is given up',
};

const TAKES_AWAY = ['ADMIN_REMOVE', 'SYSTEM_REMOVE', 'USER_REMOVE'];

export const takesAway = ({ type }) => TAKES_AWAY.includes(type);

export const REQUEST_STATE = {
  CANCELED: 'Cancelled',
  DELIVERED: 'Done',
  DELIVERING: 'Being carried out',
  DELIVERY_FAILED: 'Failed',
  DENIED: 'Denied',
  PARTIALLY_DELIVERED: 'Done in part',
  PENDING_APPROVAL: 'Waits for a decision',
  SCHEDULED: 'Approved, starts later',
  SUBMITTED: 'Received',
};

export const ASSIGNMENT_STATE = {
  DELIVERED: 'In force',
  DELIVERING: 'Being set up',
  DELIVERY_FAILED: 'Could not be set up',
  ENDED: 'Over',
  PARTIALLY_DELIVERED: 'In force in part',
  REVOKING: 'Being taken away',
  SCHEDULED: 'Starts later',
};

export const STAGE_STATE = {
  APPROVED: 'Approved',
  CANCELED: 'Cancelled with the request',
  DENIED: 'Denied',
  PENDING: 'Waits for a decision',
  TIMED_OUT: 'Nobody decided in time',
};

export const CATALOG_ROLE = {
  CATALOG_OWNER: 'owners',
  ACCESS_PACKAGE_MANAGER: 'access package managers',
  ACCESS_PACKAGE_ASSIGNMENT_MANAGER: 'assignment managers',
  CATALOG_READER: 'readers',
};

/** Reasons in words to the person whom they are about; others as the server words them. */
const REASONS = {
  ALREADY_ASSIGNED: 'You have this access already.',
  REQUEST_OPEN: 'You have asked for it already.',
  INCOMPATIBLE_PACKAGE: 'You hold, or have asked for, access that excludes this one: give that up first.',
  NOT_REQUESTABLE: 'No policy lets you request it.',
  SIGNED_LINK_REQUIRED: 'It can only be requested by a link with a secret: ask whoever manages it for one.',
  QUESTION_UNANSWERED: 'This must be answered.',
  JUSTIFICATION_REQUIRED: 'A reason is needed.',
  ASSIGNMENT_ENDED: 'The access is over.',
  EXTENSION_NOT_ALLOWED: 'It cannot be kept longer.',
  NOT_ACTIVE: 'The access is over, or is being taken away.',
  SELF_REVIEW: 'You cannot decide on what you asked for yourself.',
  NOT_APPROVER: 'Others decide this stage.',
  ALREADY_REVIEWED: 'It was decided meanwhile.',
  TIMED_OUT: 'The time to decide it is over.',
  END_PASSED: 'The end that it asks for has passed.',
  REQUEST_CANCELED: 'The request was withdrawn meanwhile.',
  USER_DEACTIVATED: 'The person was deactivated.',
};

export const reason = ({ code, message }) => REASONS[code] ?? message ?? 'That is not possible now.';

/** The language of a text among its translations, to be named where it is not the page's. */
export function languageOf(text, translations) {
  return translations.find((translation) => translation.text === text)?.language;
}
