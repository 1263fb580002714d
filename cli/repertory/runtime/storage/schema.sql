-- Version 3. {identity} is the dialect's automatic number. JSON is kept as text, times are seconds since the epoch (UTC),
-- truth is 0 or 1: the same on SQLite and PostgreSQL.

create table event (
    id {identity},
    name text not null,
    description text not null,
    severity text not null,
    status text not null,
    owner text not null,
    labels text not null,
    tags text not null,
    source text not null,
    source_id text not null,
    happened_at double precision not null,
    is_case integer not null,
    resolution text not null,
    raw text not null,
    created_at double precision not null,
    updated_at double precision not null
);
create unique index event_identity on event (source, source_id) where source_id <> '';

create table artifact (
    id {identity},
    event bigint not null references event (id),
    name text not null,
    label text not null,
    severity text not null,
    cef text not null,
    contains text not null,
    tags text not null,
    source_id text not null
);
create index artifact_of_event on artifact (event);
create unique index artifact_identity on artifact (event, source_id) where source_id <> '';

create table note (
    id {identity},
    event bigint not null references event (id),
    run text,
    call_key text,
    title text not null,
    body text not null,
    author text not null,
    created_at double precision not null
);
create index note_of_event on note (event);

create table attachment (
    id {identity},
    event bigint not null references event (id),
    run text,
    call_key text,
    name text not null,
    sha256 text not null,
    size bigint not null,
    media_type text not null,
    created_at double precision not null
);
create index attachment_of_event on attachment (event);

create table list_row (
    id {identity},
    list text not null,
    cells text not null
);
create index row_of_list on list_row (list);

create table asset (
    name text primary key,
    app text not null,
    settings text not null,
    state text not null,
    checkpoint text not null,
    created_at double precision not null
);

create table run (
    id text primary key,
    kind text not null,
    playbook text not null,
    version text not null,
    content_hash text not null,
    event bigint references event (id),
    snapshot text not null,
    inputs text not null,
    answers text not null,
    started_by text not null,
    state text not null,
    message text not null,
    outputs text not null,
    attempt integer not null,
    epoch integer not null,
    worker text not null,
    parent text not null,
    parent_key text not null,
    depth integer not null,
    held integer not null,
    woken integer not null,
    wake_at double precision,
    cancel_requested integer not null,
    created_at double precision not null,
    started_at double precision,
    ended_at double precision,
    simulation text not null default ''
);
create index run_by_state on run (state, wake_at);
create index run_by_event on run (event);
create index run_by_parent on run (parent);

create table attempt (
    run text not null references run (id),
    epoch integer not null,
    worker text not null,
    started_at double precision not null,
    ended_at double precision,
    outcome text not null,
    primary key (run, epoch)
);

create table action_run (
    run text not null references run (id),
    call_key text not null,
    act_key text not null,
    position integer not null,
    action text not null,
    type text not null,
    app text not null,
    app_hash text not null,
    asset text not null,
    parameters text not null,
    digest text not null,
    timeout_s double precision not null,
    decision text not null,
    epoch integer not null,
    state text not null,
    message text not null,
    progress text not null,
    data text not null,
    summary text not null,
    attachments text not null,
    tries integer not null,
    level text not null,
    peak_memory bigint not null default 0,
    settled integer,
    created_at double precision not null,
    started_at double precision,
    ended_at double precision,
    primary key (run, call_key)
);
create index action_run_of_act on action_run (run, act_key);

create table contact (
    id {identity},
    run text not null references run (id),
    call_key text not null,
    host text not null,
    port integer not null,
    verdict text not null,
    reason text not null,
    sent bigint not null,
    received bigint not null,
    noted_at double precision not null
);
create index contact_of_run on contact (run, call_key);
create index contact_by_verdict on contact (verdict, noted_at);

create table record (
    run text not null references run (id),
    call_key text not null,
    what text not null,
    digest text not null,
    value text,
    refusal text not null,
    due_at double precision,
    settled integer,
    created_at double precision not null,
    primary key (run, call_key)
);

create table prompt (
    id {identity},
    run text not null references run (id),
    call_key text not null,
    kind text not null,
    question text not null,
    options text not null,
    recipient text not null,
    default_answer text,
    deadline_at double precision,
    answer text,
    answered_by text not null,
    answered_at double precision,
    timed_out integer not null,
    settled integer,
    created_at double precision not null,
    unique (run, call_key)
);
create index open_prompt on prompt (run) where answer is null;

create table output (
    run text not null references run (id),
    epoch integer not null,
    source text not null,
    stream text not null,
    body text not null,
    created_at double precision not null
);
create index output_of_run on output (run);

create table worker (
    name text primary key,
    started_at double precision not null
);
