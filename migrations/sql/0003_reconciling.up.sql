-- A log that lost its tail takes back what was broadcast, by one event whose number is beyond every
-- number that was given out, and goes on as the log that was broadcast.

CREATE OR REPLACE FUNCTION interlock.event_seal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = interlock, pg_catalog AS $$
DECLARE head interlock.event_head;
BEGIN
  IF NEW.type = 'log.reconciled' THEN
    UPDATE interlock.event_head
       SET seq = greatest(seq, (NEW.data ->> 'through_seq')::bigint) + 1,
           log_id = (NEW.data ->> 'log')::uuid
    RETURNING * INTO head;
  ELSE
    UPDATE interlock.event_head SET seq = seq + 1 RETURNING * INTO head;
  END IF;
  NEW.seq := head.seq;
  NEW.recorded_at := clock_timestamp();
  NEW.prev_hash := head.hash;
  NEW.hash := sha256(NEW.prev_hash || convert_to(interlock.event_canonical(NEW), 'UTF8'));
  UPDATE interlock.event_head SET hash = NEW.hash;
  RETURN NEW;
END $$;
