-- The tables that `tagout-ship --postgres` and `tagout log checkpoint --to postgres:` insert into.
-- Run it as the owner of the database. Nothing here is ever updated or deleted by tagout.

create table tagout_record (
  host    text        not null,
  chain   text        not null,
  seq     bigint      not null,
  id      uuid        not null,
  phase   text        not null,
  time    timestamptz not null,
  verdict text,
  effect  text,
  tier    text,
  line    text        not null,  -- the exact line: its hash is over these bytes
  prev    bytea       not null,
  hash    bytea       not null,
  -- A record's time never changes, so host, chain and number alone identify it; the time is here
  -- because a partitioned table's key must hold it.
  primary key (host, chain, seq, time)
) partition by range (time);

create index tagout_record_time on tagout_record (time desc);
create index tagout_record_run  on tagout_record (id);
create index tagout_record_bad  on tagout_record (time desc) where verdict = 'refused';

-- What no month's partition takes; keep it empty by making partitions ahead of time.
create table tagout_record_rest partition of tagout_record default;

-- Makes the partition of the month that a day lies in: call it monthly, a month ahead.
create function tagout_month(day date) returns void language plpgsql as $$
declare
  first date := date_trunc('month', day);
begin
  execute format('create table if not exists %I partition of tagout_record for values from (%L) to (%L)',
                 'tagout_record_' || to_char(first, 'YYYY_MM'), first, first + interval '1 month');
end $$;
revoke execute on function tagout_month from public;
select tagout_month(current_date), tagout_month((current_date + interval '1 month')::date);

-- Heads of chains: what a host cannot take back.
create table tagout_head (
  host  text        not null,
  chain text        not null,
  seq   bigint      not null,
  hash  bytea       not null,
  time  timestamptz not null,
  sig   text,
  received timestamptz not null default now(),
  primary key (host, chain, seq, hash)
);

-- The shipper may insert, and nothing else: not even read back.
create role tagout_ship login;
grant insert on tagout_record, tagout_head to tagout_ship;
grant temporary on database :"DBNAME" to tagout_ship;

-- Auditors read.
create role tagout_read;
grant select on tagout_record, tagout_head to tagout_read;

-- Records that do not follow the one before them: must always be empty.
create view tagout_gap as
select host, chain, seq, time from (
  select host, chain, seq, time, prev,
         lag(hash) over w as before, lag(seq) over w as seq_before
  from tagout_record window w as (partition by host, chain order by seq)) r
where before is not null and (prev <> before or seq <> seq_before + 1);

-- Heads whose record is another one, or gone: must always be empty.
create view tagout_fork as
select h.* from tagout_head h
left join tagout_record r using (host, chain, seq)
where r.hash is distinct from h.hash
  and h.seq <= (select max(seq) from tagout_record m where m.host = h.host and m.chain = h.chain);

-- One row a run.
create view tagout_run as
select b.host, b.id, b.time, b.verdict, b.effect, b.tier,
       b.line::jsonb #>> '{actor,user}' as "user", b.line::jsonb #> '{process,argv}' as argv,
       b.line::jsonb -> 'targets' as targets, e.line::jsonb -> 'exit' as exit,
       (e.line::jsonb ->> 'took_ms')::bigint as took_ms
from tagout_record b
left join tagout_record e on e.host = b.host and e.chain = b.chain and e.id = b.id and e.phase = 'outcome'
where b.phase in ('intent', 'refused');
grant select on tagout_gap, tagout_fork, tagout_run to tagout_read;
