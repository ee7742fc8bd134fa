-- The groups of a user: ids, then what they are shown as, then which are direct (1) and which are
-- not (0); direct ones first, each in creation order. A statement that calls it for those who have
-- groups is quick for the many who have none: a plan with all of this in it takes longer to set
-- up than to run.
CREATE FUNCTION groups_of (member bigint) RETURNS bytea[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT array_agg(g.id ORDER BY a.direct DESC, g.rid)
            || array_agg(g.display ORDER BY a.direct DESC, g.rid)
            || array_agg(CASE WHEN a.direct THEN '\x01'::bytea ELSE '\x00'::bytea END
                ORDER BY a.direct DESC, g.rid)
        FROM (
            WITH RECURSIVE above (rid) AS (
                SELECT m.group_rid FROM membership m WHERE m.member_rid = member
                UNION
                SELECT m.group_rid FROM above JOIN membership m ON m.member_rid = above.rid
            )
            SELECT above.rid, EXISTS (
                SELECT 1 FROM membership m
                WHERE m.member_rid = member AND m.group_rid = above.rid
            ) AS direct
            FROM above
        ) a JOIN resource g ON g.rid = a.rid
    );
END
$$;
