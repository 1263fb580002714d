-- Version 2 notes what action runs reached and how much memory they took.

alter table action_run add column peak_memory bigint not null default 0;

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
