-- Traffic that an operator gives by hand, kept like everything that is.

ALTER TABLE acts
    ADD traffic bigint CHECK (traffic > 0),
    DROP CONSTRAINT act_of_a_kind,
    ADD CONSTRAINT act_of_a_kind CHECK (kind IN ('grant', 'adjust', 'revoke', 'promo', 'reissue', 'traffic')),
    ADD CONSTRAINT traffic_of_its_kind CHECK ((kind = 'traffic') = (traffic IS NOT NULL));
