CREATE OR REPLACE FUNCTION interlock.event_seal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = interlock, pg_catalog AS $$
DECLARE head interlock.event_head;
BEGIN
  UPDATE interlock.event_head SET seq = seq + 1 RETURNING * INTO head;
  NEW.seq := head.seq;
  NEW.recorded_at := clock_timestamp();
  NEW.prev_hash := head.hash;
  NEW.hash := sha256(NEW.prev_hash || convert_to(interlock.event_canonical(NEW), 'UTF8'));
  UPDATE interlock.event_head SET hash = NEW.hash;
  RETURN NEW;
END $$;
