-- One row a change of policy: drafts, snapshots and shadows are folded of them.

CREATE TABLE policy_changes (
    number bigint PRIMARY KEY, -- among all that was said of policy
    at bigint NOT NULL, -- in milliseconds
    type text NOT NULL,
    bundle text NOT NULL, -- '' where it is about several, or none
    principal text NOT NULL, -- whoever asked
    reason text NOT NULL,
    code text NOT NULL, -- of a refusal
    policy_snapshot text NOT NULL, -- of a publication
    request_id text NOT NULL,
    body text NOT NULL -- JSON: its own fields
);
