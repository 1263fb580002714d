-- Version 3 keeps with a run what makes it a simulated one.

alter table run add column simulation text not null default '';
