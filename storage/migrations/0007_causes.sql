-- Time follows from a fact that is there (I6): each cause of a period is a reference, whatever kind of fact it names.
ALTER TABLE periods
    ADD payment_id      bigint  GENERATED ALWAYS AS (CASE WHEN cause IN ('payment', 'review', 'refund')
        THEN cause_id END) STORED REFERENCES payments,
    ADD gift_id         bigint  GENERATED ALWAYS AS (CASE WHEN cause = 'gift' THEN cause_id END) STORED
        REFERENCES gifts,
    ADD redemption_id   bigint  GENERATED ALWAYS AS (CASE WHEN cause = 'promo' THEN cause_id END) STORED
        REFERENCES redemptions,
    ADD reward_id       bigint  GENERATED ALWAYS AS (CASE WHEN cause IN ('reward', 'reward_back')
        THEN cause_id END) STORED REFERENCES rewards,
    ADD act_id          bigint  GENERATED ALWAYS AS (CASE WHEN cause = 'act' THEN cause_id END) STORED
        REFERENCES acts,
    ADD trial_number    bigint  GENERATED ALWAYS AS (CASE WHEN cause = 'trial' THEN cause_id END) STORED
        REFERENCES users (number);
