import { useState } from 'react';
import { useMutation, useQuery } from './hooks.js';
import { Nothing } from './nothing.jsx';
import assignmentOf from './operations/assignment.graphql';
import extend from './operations/extend.graphql';
import giveUp from './operations/give-up.graphql';
import { Aside, ErrorSummary, Fact, Facts, Field, Input, Moment, placed, ResourceRoles, Send, TextArea, useIds, View, Waiting } from './parts.jsx';
import { to } from './route.js';
import { ASSIGNMENT_STATE, instant, reason } from './words.js';

/** How often an assignment that is changing is looked at again, in milliseconds. */
const PAUSE = 4_000;

const changing = ({ node }) => (['DELIVERING', 'REVOKING'].includes(node?.state) ? PAUSE : 0);

/** Access that somebody has: until when, and what they can do with it. */
export function Assignment({ id }) {
  const { data, problem, reload } = useQuery(assignmentOf, { id }, changing);
  if (!data) return <Waiting problem={problem} onRetry={reload} />;
  if (!data.node?.accessPackage) return <Nothing what="assignment" id={id} />;

  const { accessPackage, user, request, policy, state, startsAt, expiresAt, endedAt, ...may } = data.node;
  const isOwn = user.id === data.viewer.user?.id;
  return (
    <View title={`Access: ${accessPackage.displayName}`}>
      <p className={`state ${state.toLowerCase()}`} role="status">
        <strong>{ASSIGNMENT_STATE[state]}</strong>
      </p>
      <Facts>
        <Fact name="Package">
          <a href={to.accessPackage(accessPackage.id)}>{accessPackage.displayName}</a>
        </Fact>
        <Fact name="Gives">
          {accessPackage.resourceRoles.length > 0 && <ResourceRoles roles={accessPackage.resourceRoles} />}
        </Fact>
        <Fact name="Of">{isOwn ? 'You' : user.displayName}</Fact>
        <Fact name="Start">
          <Moment at={startsAt} />
        </Fact>
        <Fact name={endedAt ? 'Ended' : 'End'}>
          {endedAt || expiresAt ? <Moment at={endedAt ?? expiresAt} /> : 'It does not end by itself.'}
        </Fact>
        <Fact name="Made by">{request && <a href={to.accessRequest(request.id)}>The request</a>}</Fact>
      </Facts>
      {may.viewerCanExtend && <Extend id={id} policy={policy} />}
      {isOwn && may.extension.reason === 'REQUEST_OPEN' && <p>You have asked to keep it longer.</p>}
      {may.viewerCanGiveUp && <GiveUp id={id} />}
    </View>
  );
}

function Extend({ id, policy }) {
  const ids = useIds();
  const [expiresAt, setExpiresAt] = useState('');
  const [why, setWhy] = useState('');
  const { send, isBusy, errors } = useMutation(extend, true);
  const fields = { expiresAt: ['New end', ids('expiresAt')], justification: ['Why you need it longer', ids('justification')] };
  const located = placed(errors, fields, reason);
  const control = (name) => {
    const [label, field] = fields[name];
    return { id: field, label, error: located.find((error) => error.id === field)?.message };
  };

  async function keep(event) {
    event.preventDefault();
    const payload = await send({ assignment: id, expiresAt: instant(expiresAt), justification: why || null });
    if (payload) location.hash = to.accessRequest(payload.accessRequest.id);
  }

  return (
    <Aside summary="Keep it longer">
      <form noValidate onSubmit={keep}>
        {policy?.extension === 'WITH_APPROVAL' && <p>This is decided as the first request was.</p>}
        <ErrorSummary refusal={errors} errors={located} />
        <Field {...control('expiresAt')} hint="Left empty: as late as the policy allows.">
          {(given) => <Input {...given} type="datetime-local" value={expiresAt} onChange={setExpiresAt} />}
        </Field>
        <Field {...control('justification')} isRequired={policy?.justificationRequired ?? false}>
          {(given) => <TextArea {...given} value={why} onChange={setWhy} />}
        </Field>
        <Send isBusy={isBusy}>Ask to keep it</Send>
      </form>
    </Aside>
  );
}

function GiveUp({ id }) {
  const ids = useIds();
  const [why, setWhy] = useState('');
  const { send, isBusy, errors } = useMutation(giveUp);

  async function leave(event) {
    event.preventDefault();
    const payload = await send({ id, reason: why || null });
    if (payload) location.hash = to.accessRequest(payload.accessRequest.id);
  }

  return (
    <Aside summary="Give it up">
      <form noValidate onSubmit={leave}>
        <ErrorSummary refusal={errors} errors={errors.map((error) => ({ message: reason(error) }))} title="It was not given up" />
        <Field id={ids('reason')} label="Why">
          {(given) => <TextArea {...given} value={why} onChange={setWhy} />}
        </Field>
        <Send isBusy={isBusy}>Give up the access</Send>
      </form>
    </Aside>
  );
}
