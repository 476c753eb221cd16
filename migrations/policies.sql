-- The wall: fences, policies, grants and doors.
-- Rendered by `python3 pat policy --write` from auth/pat_auth/policy.py and tenants/pat_tenants/isolation/; never edited by hand.
-- Applied again after every migration, in the same transaction, after all that it makes has been dropped.


set role pat_owner;
alter table app.agreements enable row level security;
alter table app.agreements force row level security;
alter table app.alert_closings enable row level security;
alter table app.alert_closings force row level security;
alter table app.alerts enable row level security;
alter table app.alerts force row level security;
alter table app.barred_guardians enable row level security;
alter table app.barred_guardians force row level security;
alter table app.case_assignments enable row level security;
alter table app.case_assignments force row level security;
alter table app.case_note_texts enable row level security;
alter table app.case_note_texts force row level security;
alter table app.case_notes enable row level security;
alter table app.case_notes force row level security;
alter table app.cases enable row level security;
alter table app.cases force row level security;
alter table app.client_keys enable row level security;
alter table app.client_keys force row level security;
alter table app.clients enable row level security;
alter table app.clients force row level security;
alter table app.consent_withdrawals enable row level security;
alter table app.consent_withdrawals force row level security;
alter table app.consents enable row level security;
alter table app.consents force row level security;
alter table app.group_entries enable row level security;
alter table app.group_entries force row level security;
alter table app.group_member_identities enable row level security;
alter table app.group_member_identities force row level security;
alter table app.group_members enable row level security;
alter table app.group_members force row level security;
alter table app.hearing_confirmations enable row level security;
alter table app.hearing_confirmations force row level security;
alter table app.hearings enable row level security;
alter table app.hearings force row level security;
alter table app.invitations enable row level security;
alter table app.invitations force row level security;
alter table app.legal_bases enable row level security;
alter table app.legal_bases force row level security;
alter table app.legal_basis_reasons enable row level security;
alter table app.legal_basis_reasons force row level security;
alter table app.legal_proceedings enable row level security;
alter table app.legal_proceedings force row level security;
alter table app.memberships enable row level security;
alter table app.memberships force row level security;
alter table app.organisations enable row level security;
alter table app.organisations force row level security;
alter table app.partner_suspensions enable row level security;
alter table app.partner_suspensions force row level security;
alter table app.places enable row level security;
alter table app.places force row level security;
alter table app.referral_answers enable row level security;
alter table app.referral_answers force row level security;
alter table app.referral_assignments enable row level security;
alter table app.referral_assignments force row level security;
alter table app.referral_changes enable row level security;
alter table app.referral_changes force row level security;
alter table app.referral_hearings enable row level security;
alter table app.referral_hearings force row level security;
alter table app.referral_steps enable row level security;
alter table app.referral_steps force row level security;
alter table app.referral_updates enable row level security;
alter table app.referral_updates force row level security;
alter table app.referrals enable row level security;
alter table app.referrals force row level security;
alter table app.replays enable row level security;
alter table app.replays force row level security;
alter table app.safety_holds enable row level security;
alter table app.safety_holds force row level security;
alter table app.self_help_groups enable row level security;
alter table app.self_help_groups force row level security;
alter table app.survivor_identities enable row level security;
alter table app.survivor_identities force row level security;
alter table app.survivor_keys enable row level security;
alter table app.survivor_keys force row level security;
alter table app.survivors enable row level security;
alter table app.survivors force row level security;
alter table app.transitions enable row level security;
alter table app.transitions force row level security;

set role pat_sec;
alter table sec.asks enable row level security;
alter table sec.asks force row level security;
alter table sec.assertions enable row level security;
alter table sec.assertions force row level security;
alter table sec.attempts enable row level security;
alter table sec.attempts force row level security;
alter table sec.browsers enable row level security;
alter table sec.browsers force row level security;
alter table sec.challenges enable row level security;
alter table sec.challenges force row level security;
alter table sec.codes enable row level security;
alter table sec.codes force row level security;
alter table sec.consents enable row level security;
alter table sec.consents force row level security;
alter table sec.logins enable row level security;
alter table sec.logins force row level security;
alter table sec.mails enable row level security;
alter table sec.mails force row level security;
alter table sec.passkeys enable row level security;
alter table sec.passkeys force row level security;
alter table sec.people enable row level security;
alter table sec.people force row level security;
alter table sec.recovery_codes enable row level security;
alter table sec.recovery_codes force row level security;
alter table sec.refresh_tokens enable row level security;
alter table sec.refresh_tokens force row level security;
alter table sec.resets enable row level security;
alter table sec.resets force row level security;
alter table sec.second_factors enable row level security;
alter table sec.second_factors force row level security;
alter table sec.secrets enable row level security;
alter table sec.secrets force row level security;
alter table sec.sessions enable row level security;
alter table sec.sessions force row level security;
alter table sec.upstream_identities enable row level security;
alter table sec.upstream_identities force row level security;
alter table sec.upstream_visits enable row level security;
alter table sec.upstream_visits force row level security;
alter table sec.upstreams enable row level security;
alter table sec.upstreams force row level security;

set role pat_trail;
alter table trail.events enable row level security;
alter table trail.events force row level security;
alter table trail.heads enable row level security;
alter table trail.heads force row level security;
alter table trail.signatures enable row level security;
alter table trail.signatures force row level security;

set role pat_owner;
grant usage on schema app to pat_sec, pat_service_issuer;
grant usage on schema app, door to pat_application;
grant execute on function app.my_referrals(), app.received_status(uuid, uuid) to pat_application;
grant select (organisation_id, id, person_id, role, survivor_id, ended_at) on app.memberships to pat_sec;
grant select on app.memberships, app.organisations to pat_service_issuer;
create policy keeper on app.memberships for select to pat_sec, pat_service_issuer using (true);
create policy keeper on app.organisations for select to pat_service_issuer using (true);

set role pat_sec;
grant usage on schema sec to pat_owner, pat_service_issuer, pat_service_migrator, pat_trail, pat_application;
grant select on sec.people, sec.logins, sec.sessions to pat_service_issuer;
grant insert, update (revoked_at) on sec.sessions to pat_service_issuer;
grant execute on function sec.actor() to pat_trail;
grant execute on function sec.enter(text), sec.actor(), sec.membership(), sec.survivor(), sec.is_held(), sec.moment() to pat_application;
create policy keeper on sec.people to pat_sec using (true) with check (true);
create policy keeper on sec.logins to pat_sec using (true) with check (true);
create policy keeper on sec.sessions to pat_sec using (true) with check (true);
grant select (login) on sec.logins to pat_service_migrator;
create policy migrator on sec.logins for select to pat_service_migrator using (true);
create policy issuer on sec.people for select to pat_service_issuer using (true);
create policy issuer on sec.logins for select to pat_service_issuer using (true);
create policy issuer on sec.sessions to pat_service_issuer using (true) with check (true);

set role pat_trail;
grant usage on schema trail to pat_application;
grant execute on function trail.record(text, uuid[], jsonb), trail.reveal(text, jsonb) to pat_application;
create policy keeper on trail.events to pat_trail using (true) with check (true);
create policy keeper on trail.heads to pat_trail using (true) with check (true);
create policy keeper on trail.signatures to pat_trail using (true) with check (true);

set role pat_owner;
grant usage on schema app to pat_trail;

set role pat_sec;
grant usage on schema sec to pat_door_trail, pat_door_access, pat_door_referral, pat_door_network_referrals;

set role pat_trail;
grant execute on function trail.numbers_about(uuid) to pat_organisation_admin, pat_destination_admin;
grant usage on schema trail to pat_service_jobs;
grant execute on function trail.unsigned_heads(), trail.hash_of(uuid, bigint), trail.keep_signature(uuid, bigint, bytea, text) to pat_service_jobs;

set role pat_owner;
grant select (organisation_id, survivor_id, lifted_at) on app.safety_holds to pat_sec;
create policy keeper on app.safety_holds for select to pat_sec using (true);
grant usage on schema app to pat_service_keys;
grant select (id, slug) on app.organisations to pat_service_keys;
create policy keys on app.organisations for select to pat_service_keys using (true);
grant select (organisation_id, member_id, wrapped), update (wrapped) on app.group_member_identities to pat_service_keys;
create policy keys on app.group_member_identities for select to pat_service_keys using (true);
create policy rewrap on app.group_member_identities for update to pat_service_keys using (true);
grant select (organisation_id, survivor_id, wrapped), update (wrapped) on app.survivor_keys to pat_service_keys;
create policy keys on app.survivor_keys for select to pat_service_keys using (true);
create policy rewrap on app.survivor_keys for update to pat_service_keys using (true);

set role pat_sec;
grant usage on schema sec to pat_service_sign_in;

set role pat_trail;
grant usage on schema trail to pat_sec;

set role pat_sec;
grant execute on function sec.find_client(uuid) to pat_service_sign_in;
grant execute on function sec.client_origins() to pat_service_sign_in;
grant execute on function sec.memberships_of(uuid) to pat_service_sign_in;
grant execute on function sec.open_session(uuid,uuid,uuid,uuid,text[],uuid,timestamp with time zone,text,timestamp with time zone) to pat_service_sign_in;
grant execute on function sec.open_machine_session(uuid,uuid,text[]) to pat_service_sign_in;
grant execute on function sec.revoke_session(uuid,text) to pat_service_sign_in;
grant execute on function sec.is_live(uuid) to pat_service_sign_in;
grant execute on function sec.find_invitation(bytea) to pat_service_sign_in;
grant execute on function sec.take_up(bytea,uuid) to pat_service_sign_in;
grant execute on function sec.enrol(bytea,uuid) to pat_service_sign_in;
grant execute on function sec.begin_pin(bytea,text,text,text) to pat_service_sign_in;
grant execute on function sec.note_arrival(uuid,boolean) to pat_service_sign_in;
grant execute on function sec.tell_alerts() to pat_service_sign_in;
grant execute on function sec.note_change(uuid,text) to pat_service_sign_in;
grant execute on function sec.invite_survivor(uuid,text,bytea) to pat_case_manager;
grant execute on function sec.withdraw_link(uuid) to pat_case_manager;
grant execute on function sec.find_reset(bytea) to pat_service_sign_in;
grant execute on function sec.reset_password(bytea,text,smallint) to pat_service_sign_in;
grant execute on function sec.forget() to pat_service_sign_in;
grant execute on function sec.forget_resets() to pat_service_sign_in;
grant execute on function sec.my_sessions() to pat_application;
grant execute on function sec.end_my_session(uuid) to pat_application;
grant execute on function sec.end_my_sessions() to pat_application;
grant execute on function sec.end_sessions_of(uuid) to pat_organisation_admin, pat_secretariat_admin, pat_destination_admin;
grant execute on function sec.forget_mails() to pat_service_sign_in;
grant execute on function sec.link_upstream(uuid,text,uuid) to pat_service_sign_in;
grant execute on function sec.unlink_upstream(uuid,uuid) to pat_service_sign_in;
grant execute on function sec.post_mail(uuid,bytea,timestamp with time zone) to pat_organisation_admin, pat_secretariat_admin, pat_destination_admin;
grant execute on function sec.roles_here() to pat_organisation_admin, pat_secretariat_admin, pat_destination_admin;
grant execute on function sec.is_member(text,text) to pat_organisation_admin, pat_secretariat_admin, pat_destination_admin;
grant execute on function sec.end_membership(uuid) to pat_organisation_admin, pat_secretariat_admin, pat_destination_admin;

set role pat_trail;
grant execute on function trail.append(uuid,uuid,text,uuid[],jsonb) to pat_sec;

set role pat_owner;
grant select (id, slug, name) on app.organisations to pat_sec;
create policy keeper_select on app.organisations for select to pat_sec using (true);
grant select on app.clients to pat_sec;
create policy keeper_select on app.clients for select to pat_sec using (true);
grant update (disabled_at) on app.clients to pat_sec;
create policy keeper_update on app.clients for update to pat_sec using (true);
grant select on app.client_keys to pat_sec;
create policy keeper_select on app.client_keys for select to pat_sec using (true);
grant select on app.invitations to pat_sec;
create policy keeper_select on app.invitations for select to pat_sec using (true);
grant update (taken_up_at, withdrawn_at) on app.invitations to pat_sec;
create policy keeper_update on app.invitations for update to pat_sec using (true);
grant delete on app.invitations to pat_sec;
create policy keeper_delete on app.invitations for delete to pat_sec using (true);
grant select (organisation_id, case_id, survivor_id, membership_id, ended_at) on app.case_assignments to pat_sec;
create policy keeper_select on app.case_assignments for select to pat_sec using (true);
grant update (ended_at) on app.case_assignments to pat_sec;
create policy keeper_update on app.case_assignments for update to pat_sec using (true);
grant insert (organisation_id, survivor_id, is_raised) on app.alerts to pat_sec;
create policy keeper_insert on app.alerts for insert to pat_sec with check (true);
grant select (organisation_id, id, created_at, is_raised, told_at) on app.alerts to pat_sec;
create policy keeper_select on app.alerts for select to pat_sec using (true);
grant update (told_at) on app.alerts to pat_sec;
create policy keeper_update on app.alerts for update to pat_sec using (true);
grant delete on app.alerts to pat_sec;
create policy keeper_delete on app.alerts for delete to pat_sec using (true);
grant select (organisation_id, alert_id) on app.alert_closings to pat_sec;
create policy keeper_select on app.alert_closings for select to pat_sec using (true);
grant select (organisation_id, id) on app.survivors to pat_sec;
create policy keeper_select on app.survivors for select to pat_sec using (true);
grant insert (organisation_id, id, person_id, role, name, survivor_id) on app.memberships to pat_sec;
create policy keeper_insert on app.memberships for insert to pat_sec with check (true);
grant update (name, ended_at) on app.memberships to pat_sec;
create policy keeper_update on app.memberships for update to pat_sec using (true);

set role pat_sec;
grant select, insert, update (membership_id, ended_at) on sec.asks to pat_service_sign_in;
create policy keeper on sec.asks to pat_sec using (true) with check (true);
create policy sign_in on sec.asks to pat_service_sign_in using (true) with check (true);
grant select, insert on sec.assertions to pat_service_sign_in;
create policy keeper on sec.assertions to pat_sec using (true) with check (true);
create policy sign_in on sec.assertions to pat_service_sign_in using (true) with check (true);
grant select, insert, update (failures, last_at, next_at) on sec.attempts to pat_service_sign_in;
create policy keeper on sec.attempts to pat_sec using (true) with check (true);
create policy sign_in on sec.attempts to pat_service_sign_in using (true) with check (true);
grant select, insert, update (secret_hash, person_id, first_at, second_at, methods, seen_at, ended_at, is_duress, upstream_id) on sec.browsers to pat_service_sign_in;
create policy keeper on sec.browsers to pat_sec using (true) with check (true);
create policy sign_in on sec.browsers to pat_service_sign_in using (true) with check (true);
grant select, insert, update (challenge, person_id, handle, expires_at, used_at) on sec.challenges to pat_service_sign_in;
create policy sign_in on sec.challenges to pat_service_sign_in using (true) with check (true);
grant select, insert, update (used_at, session_id) on sec.codes to pat_service_sign_in;
create policy keeper on sec.codes to pat_sec using (true) with check (true);
create policy sign_in on sec.codes to pat_service_sign_in using (true) with check (true);
grant select, insert, update (scopes, given_at, withdrawn_at, client_hash) on sec.consents to pat_service_sign_in;
create policy keeper on sec.consents to pat_sec using (true) with check (true);
create policy sign_in on sec.consents to pat_service_sign_in using (true) with check (true);
grant select, insert, update (sealed, next_at, tries, sent_at) on sec.mails to pat_service_sign_in;
create policy keeper on sec.mails to pat_sec using (true) with check (true);
create policy sign_in on sec.mails to pat_service_sign_in using (true) with check (true);
grant select, insert, update (sign_count, used_at, ended_at, name) on sec.passkeys to pat_service_sign_in;
create policy sign_in on sec.passkeys to pat_service_sign_in using (true) with check (true);
grant select (id, email, disabled_at, language, sign_in_name), update (language) on sec.people to pat_service_sign_in;
create policy sign_in on sec.people to pat_service_sign_in using (true) with check (true);
grant select, insert, update (used_at) on sec.recovery_codes to pat_service_sign_in;
create policy sign_in on sec.recovery_codes to pat_service_sign_in using (true) with check (true);
grant select, insert, update (used_at) on sec.refresh_tokens to pat_service_sign_in;
create policy keeper on sec.refresh_tokens to pat_sec using (true) with check (true);
create policy sign_in on sec.refresh_tokens to pat_service_sign_in using (true) with check (true);
grant select, insert, update (token_hash, person_id, replaces, expires_at, used_at) on sec.resets to pat_service_sign_in;
create policy keeper on sec.resets to pat_sec using (true) with check (true);
create policy sign_in on sec.resets to pat_service_sign_in using (true) with check (true);
grant select, insert, update (confirmed_at, last_step) on sec.second_factors to pat_service_sign_in;
create policy keeper on sec.second_factors to pat_sec using (true) with check (true);
create policy sign_in on sec.second_factors to pat_service_sign_in using (true) with check (true);
grant select, insert, update (hash, key, changed_at) on sec.secrets to pat_service_sign_in;
create policy keeper on sec.secrets to pat_sec using (true) with check (true);
create policy sign_in on sec.secrets to pat_service_sign_in using (true) with check (true);
grant select, update (used_at, is_duress) on sec.sessions to pat_service_sign_in;
create policy sign_in on sec.sessions to pat_service_sign_in using (true) with check (true);
grant select on sec.upstream_identities to pat_service_sign_in;
create policy keeper on sec.upstream_identities to pat_sec using (true) with check (true);
create policy sign_in on sec.upstream_identities to pat_service_sign_in using (true) with check (true);
grant select, insert, update (used_at) on sec.upstream_visits to pat_service_sign_in;
create policy keeper on sec.upstream_visits to pat_sec using (true) with check (true);
create policy sign_in on sec.upstream_visits to pat_service_sign_in using (true) with check (true);
grant select on sec.upstreams to pat_service_sign_in;
create policy keeper on sec.upstreams to pat_sec using (true) with check (true);
create policy sign_in on sec.upstreams to pat_service_sign_in using (true) with check (true);
grant usage on schema sec to pat_service_listener;
grant execute on function sec.changed_since(pg_snapshot) to pat_service_listener;
grant execute on function sec.live_among(uuid[]) to pat_service_listener;
grant execute on function sec.forget_changes() to pat_service_sign_in;

set role pat_owner;
grant select (organisation_id, id, received_id, case_id, survivor_id, to_organisation_id, consent_id, basis_id) on app.referrals to pat_sec;
create policy waking_select on app.referrals for select to pat_sec using (true);
grant select (organisation_id, transaction, changed_at) on app.referral_changes to pat_sec;
create policy waking_select on app.referral_changes for select to pat_sec using (true);
grant insert (organisation_id, referral_id, case_id, survivor_id, is_of_hearings) on app.referral_changes to pat_sec;
create policy waking_insert on app.referral_changes for insert to pat_sec with check (true);
grant delete on app.referral_changes to pat_sec;
create policy waking_delete on app.referral_changes for delete to pat_sec using (true);
grant insert (organisation_id, referral_id, case_id, survivor_id, state, actor) on app.referral_steps to pat_sec;
create policy waking_insert on app.referral_steps for insert to pat_sec with check (true);
create policy session on app.agreements as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.alert_closings as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.alerts as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.barred_guardians as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.case_assignments as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.case_note_texts as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.case_notes as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.cases as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.client_keys as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.clients as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.consent_withdrawals as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.consents as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.group_entries as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.group_member_identities as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.group_members as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.hearing_confirmations as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.hearings as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.invitations as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.legal_bases as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.legal_basis_reasons as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.legal_proceedings as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.memberships as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.organisations as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.partner_suspensions as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.places as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.referral_answers as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.referral_assignments as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.referral_changes as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.referral_hearings as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.referral_steps as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.referral_updates as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.referrals as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.replays as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.safety_holds as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.self_help_groups as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.survivor_identities as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.survivor_keys as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.survivors as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);
create policy session on app.transitions as restrictive to pat_application, pat_door_referral, pat_door_network_referrals, pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);

set role pat_trail;
create policy session on trail.events as restrictive to pat_door_trail, pat_door_network_trail, pat_door_access using ((select sec.actor()) is not null);

set role pat_owner;
create policy fence on app.agreements as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.agreements as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy first_signature on app.agreements as restrictive for insert to pat_application with check (coalesce(updated_by, created_by) = (select sec.actor()));
create policy signature on app.agreements as restrictive for update to pat_application using (true) with check (updated_by = (select sec.actor()));
create policy fence on app.alert_closings as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.alert_closings as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.alerts as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy fence on app.barred_guardians as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.barred_guardians as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.case_assignments as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.case_assignments as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.case_note_texts as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.case_note_texts as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.case_notes as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.case_notes as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.cases as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.cases as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy first_signature on app.cases as restrictive for insert to pat_application with check (coalesce(updated_by, created_by) = (select sec.actor()));
create policy signature on app.cases as restrictive for update to pat_application using (true) with check (updated_by = (select sec.actor()));
create policy fence on app.client_keys as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.client_keys as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.clients as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.clients as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy first_signature on app.clients as restrictive for insert to pat_application with check (coalesce(updated_by, created_by) = (select sec.actor()));
create policy signature on app.clients as restrictive for update to pat_application using (true) with check (updated_by = (select sec.actor()));
create policy fence on app.consent_withdrawals as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.consent_withdrawals as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.consents as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.consents as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.group_entries as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.group_entries as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.group_member_identities as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.group_member_identities as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.group_members as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.group_members as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.hearing_confirmations as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.hearing_confirmations as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy first_signature on app.hearing_confirmations as restrictive for insert to pat_application with check (coalesce(updated_by, created_by) = (select sec.actor()));
create policy signature on app.hearing_confirmations as restrictive for update to pat_application using (true) with check (updated_by = (select sec.actor()));
create policy fence on app.hearings as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.hearings as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy first_signature on app.hearings as restrictive for insert to pat_application with check (coalesce(updated_by, created_by) = (select sec.actor()));
create policy signature on app.hearings as restrictive for update to pat_application using (true) with check (updated_by = (select sec.actor()));
create policy fence on app.invitations as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.invitations as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.legal_bases as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.legal_bases as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.legal_basis_reasons as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.legal_basis_reasons as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.legal_proceedings as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.legal_proceedings as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.memberships as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy fence on app.partner_suspensions as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.partner_suspensions as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy first_signature on app.partner_suspensions as restrictive for insert to pat_application with check (coalesce(updated_by, created_by) = (select sec.actor()));
create policy signature on app.partner_suspensions as restrictive for update to pat_application using (true) with check (updated_by = (select sec.actor()));
create policy fence on app.referral_answers as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.referral_answers as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.referral_assignments as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.referral_assignments as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.referral_changes as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy fence on app.referral_hearings as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.referral_hearings as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy first_signature on app.referral_hearings as restrictive for insert to pat_application with check (coalesce(updated_by, created_by) = (select sec.actor()));
create policy signature on app.referral_hearings as restrictive for update to pat_application using (true) with check (updated_by = (select sec.actor()));
create policy fence on app.referral_steps as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy fence on app.referral_updates as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.referral_updates as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.referrals as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.referrals as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.replays as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy fence on app.safety_holds as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.safety_holds as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy first_signature on app.safety_holds as restrictive for insert to pat_application with check (coalesce(updated_by, created_by) = (select sec.actor()));
create policy signature on app.safety_holds as restrictive for update to pat_application using (true) with check (updated_by = (select sec.actor()));
create policy fence on app.self_help_groups as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.self_help_groups as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.survivor_identities as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.survivor_identities as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.survivor_keys as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.survivor_keys as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
create policy fence on app.survivors as restrictive to pat_application using (organisation_id = (select substr(session_user::text, 5, 32)::uuid)) with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid));
create policy author on app.survivors as restrictive for insert to pat_application with check (created_by = (select sec.actor()));
grant usage on schema app to pat_door_referral;
grant usage, create on schema door to pat_door_referral;
grant select (organisation_id, id, received_id, case_id, survivor_id, to_organisation_id, need, urgency, scopes, state, consent_id, basis_id, agreed_until, sent_at, ended_at) on app.referrals to pat_door_referral;
create policy pat_door_referral on app.referrals for select to pat_door_referral using (organisation_id = (select substr(session_user::text, 5, 32)::uuid) or (to_organisation_id = (select substr(session_user::text, 5, 32)::uuid) and state not in ('DRAFT', 'CONSENT_RECORDED')));
grant select (organisation_id, id, referral_id, state, taken_at) on app.referral_steps to pat_door_referral;
create policy pat_door_referral on app.referral_steps for select to pat_door_referral using (state not in ('DRAFT', 'CONSENT_RECORDED') and exists (select from app.referrals r where r.organisation_id = referral_steps.organisation_id and r.id = referral_steps.referral_id and r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid)));
grant select (organisation_id, id, referral_organisation_id, referral_id, answer, reason, answered_at) on app.referral_answers to pat_door_referral;
create policy pat_door_referral on app.referral_answers for select to pat_door_referral using (organisation_id = (select substr(session_user::text, 5, 32)::uuid) or referral_organisation_id = (select substr(session_user::text, 5, 32)::uuid));
grant select (organisation_id, id, referral_organisation_id, referral_id, held_on, mode, purpose, state, court_point, remote_point, has_coordinator, support_person, interpreter_language, outcome, next_on) on app.referral_hearings to pat_door_referral;
create policy pat_door_referral on app.referral_hearings for select to pat_door_referral using (referral_organisation_id = (select substr(session_user::text, 5, 32)::uuid));
grant select (organisation_id, id, referral_organisation_id, referral_id, kind, happened_on, created_at) on app.referral_updates to pat_door_referral;
create policy pat_door_referral on app.referral_updates for select to pat_door_referral using (referral_organisation_id = (select substr(session_user::text, 5, 32)::uuid));
grant select (organisation_id, hearing_id, referral_id, remote_point, has_coordinator, support_person, updated_at) on app.hearing_confirmations to pat_door_referral;
create policy pat_door_referral on app.hearing_confirmations for select to pat_door_referral using (hearing_organisation_id = (select substr(session_user::text, 5, 32)::uuid));
grant select (organisation_id, id, case_id, jurisdiction, state, stage) on app.legal_proceedings to pat_door_referral;
create policy pat_door_referral on app.legal_proceedings for select to pat_door_referral using (exists (select from app.referrals r where r.organisation_id = legal_proceedings.organisation_id and r.case_id = legal_proceedings.case_id and r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid)));
grant select (organisation_id, id, proceeding_id, case_id, held_on, mode, purpose, state, court_point, remote_point, has_coordinator, support_person, interpreter_language, outcome, next_on) on app.hearings to pat_door_referral;
create policy pat_door_referral on app.hearings for select to pat_door_referral using (exists (select from app.referrals r where r.organisation_id = hearings.organisation_id and r.case_id = hearings.case_id and r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid)));
grant select (organisation_id, id, survivor_id, risk_level) on app.cases to pat_door_referral;
create policy pat_door_referral on app.cases for select to pat_door_referral using (exists (select from app.referrals r where r.organisation_id = cases.organisation_id and r.case_id = cases.id and r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid)));
grant select (organisation_id, id, gender, birth_year, is_minor_at_intake, primary_language) on app.survivors to pat_door_referral;
create policy pat_door_referral on app.survivors for select to pat_door_referral using (exists (select from app.referrals r where r.organisation_id = survivors.organisation_id and r.survivor_id = survivors.id and r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid)));
grant select (organisation_id, survivor_id, wrapped) on app.survivor_keys to pat_door_referral;
create policy pat_door_referral on app.survivor_keys for select to pat_door_referral using (exists (select from app.referrals r where r.organisation_id = survivor_keys.organisation_id and r.survivor_id = survivor_keys.survivor_id and r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid) and r.scopes && array['IDENTITY_MINIMAL', 'CONTACT_SAFE']));
grant select (organisation_id, survivor_id, first_name, alias, phone) on app.survivor_identities to pat_door_referral;
create policy pat_door_referral on app.survivor_identities for select to pat_door_referral using (exists (select from app.referrals r where r.organisation_id = survivor_identities.organisation_id and r.survivor_id = survivor_identities.survivor_id and r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid) and r.scopes && array['IDENTITY_MINIMAL', 'CONTACT_SAFE']));
grant select (id, name, state) on app.organisations to pat_door_referral;
create policy pat_door_referral on app.organisations for select to pat_door_referral using (true);
grant select (organisation_id, partner_id, scopes, valid_from, valid_until, suspended_at) on app.agreements to pat_door_referral;
create policy pat_door_referral on app.agreements for select to pat_door_referral using (organisation_id = (select substr(session_user::text, 5, 32)::uuid) or partner_id = (select substr(session_user::text, 5, 32)::uuid));
grant select (id, partner_id, created_at, lifted_at) on app.partner_suspensions to pat_door_referral;
create policy pat_door_referral on app.partner_suspensions for select to pat_door_referral using (partner_id = (select substr(session_user::text, 5, 32)::uuid) or exists (select from app.agreements a where partner_suspensions.partner_id in (a.organisation_id, a.partner_id)));
grant select (organisation_id, id, recipient_id, scopes, valid_until) on app.consents to pat_door_referral;
create policy pat_door_referral on app.consents for select to pat_door_referral using (organisation_id = (select substr(session_user::text, 5, 32)::uuid) or recipient_id = (select substr(session_user::text, 5, 32)::uuid));
grant select (organisation_id, id, recipient_id, kind, scopes, valid_until, approved_at, ended_at) on app.legal_bases to pat_door_referral;
create policy pat_door_referral on app.legal_bases for select to pat_door_referral using (organisation_id = (select substr(session_user::text, 5, 32)::uuid) or recipient_id = (select substr(session_user::text, 5, 32)::uuid));
grant select (organisation_id, consent_id) on app.consent_withdrawals to pat_door_referral;
create policy pat_door_referral on app.consent_withdrawals for select to pat_door_referral using (organisation_id = (select substr(session_user::text, 5, 32)::uuid) or exists (select from app.consents c where c.organisation_id = consent_withdrawals.organisation_id and c.id = consent_withdrawals.consent_id and c.recipient_id = (select substr(session_user::text, 5, 32)::uuid)));

set role pat_door_referral;
create view door.all_agreements with (security_barrier) as 
select o.organisation_id, o.partner_id, greatest(o.valid_from, t.valid_from) as valid_from, least(o.valid_until, t.valid_until) as valid_until, array(select u.scope from unnest(o.scopes) with ordinality u(scope, place) where u.scope = any(t.scopes) order by u.place) as scopes, case
        when o.suspended_at is not null or t.suspended_at is not null
            or array[o.organisation_id, o.partner_id] && array(select x.partner_id from app.partner_suspensions x where x.lifted_at is null) then 'SUSPENDED'
        when least(o.valid_until, t.valid_until) <= (select sec.moment()) then 'EXPIRED'
        when greatest(o.valid_from, t.valid_from) > (select sec.moment()) then 'UPCOMING'
        else 'LIVE'
    end as status
from app.agreements o
join app.agreements t on t.organisation_id = o.partner_id and t.partner_id = o.organisation_id;
create view door.agreements with (security_barrier) as 
select p.id as partner_id, p.name as partner_name, p.state as partner_state,
    case when o.partner_id is null then 'AWAITING_US' when t.partner_id is null then 'AWAITING_PARTNER' else g.status end as status,
    coalesce(g.scopes, '{}'::text[]) as scopes, coalesce(o.scopes, '{}'::text[]) as our_scopes,
    coalesce(t.scopes, '{}'::text[]) as their_scopes,
    coalesce(g.valid_from, o.valid_from, t.valid_from) as valid_from,
    coalesce(g.valid_until, o.valid_until, t.valid_until) as valid_until,
    o.suspended_at as suspended_by_us_at, t.suspended_at as suspended_by_them_at
from (
    select m.partner_id as id from app.agreements m where m.organisation_id = (select substr(session_user::text, 5, 32)::uuid)
    union select m.organisation_id from app.agreements m where m.partner_id = (select substr(session_user::text, 5, 32)::uuid)
) x
join app.organisations p on p.id = x.id
left join app.agreements o on o.organisation_id = (select substr(session_user::text, 5, 32)::uuid) and o.partner_id = x.id
left join app.agreements t on t.organisation_id = x.id and t.partner_id = (select substr(session_user::text, 5, 32)::uuid)
left join door.all_agreements g on g.organisation_id = (select substr(session_user::text, 5, 32)::uuid) and g.partner_id = x.id;
create view door.our_suspensions with (security_barrier) as select s.id, s.created_at, s.lifted_at from app.partner_suspensions s where s.partner_id = (select substr(session_user::text, 5, 32)::uuid);
create view door.referral_states with (security_barrier) as select r.organisation_id, r.id, r.received_id, s.status, s.begins_at, s.agreed_until, s.ground from app.referrals r cross join lateral (select 
case
    when r.state <> 'SENT' then r.state
    when a.answer in ('DECLINED', 'COMPLETED') then a.answer
    when w.consent_id is not null or b.ended_at is not null then 'REVOKED'
    when g.status = 'SUSPENDED' then 'SUSPENDED'
    when g.status is distinct from 'LIVE' or coalesce(c.id, b.id) is null then 'EXPIRED'
    when least(r.agreed_until, c.valid_until, b.valid_until) <= (select sec.moment()) then 'EXPIRED'
    else coalesce(a.answer, 'SENT')
end as status, case when coalesce(c.id, b.id) is not null then least(r.agreed_until, c.valid_until, b.valid_until, g.valid_until) else r.agreed_until end as agreed_until, case when c.id is not null then 'CONSENT' else b.kind end as ground, g.valid_from as begins_at from (select) here 
left join app.consents c on c.organisation_id = r.organisation_id and c.id = r.consent_id
left join app.consent_withdrawals w on w.organisation_id = r.organisation_id and w.consent_id = r.consent_id
left join app.legal_bases b on b.organisation_id = r.organisation_id and b.id = r.basis_id
    and (b.kind <> 'VITAL_INTEREST' or b.approved_at is not null)
left join (
select o.organisation_id, o.partner_id, greatest(o.valid_from, t.valid_from) as valid_from, least(o.valid_until, t.valid_until) as valid_until, case
        when o.suspended_at is not null or t.suspended_at is not null
            or array[o.organisation_id, o.partner_id] && array(select x.partner_id from app.partner_suspensions x where x.lifted_at is null) then 'SUSPENDED'
        when least(o.valid_until, t.valid_until) <= (select sec.moment()) then 'EXPIRED'
        when greatest(o.valid_from, t.valid_from) > (select sec.moment()) then 'UPCOMING'
        else 'LIVE'
    end as status
from app.agreements o
join app.agreements t on t.organisation_id = o.partner_id and t.partner_id = o.organisation_id) g on g.organisation_id = r.organisation_id and g.partner_id = r.to_organisation_id 
left join lateral (
    select w.answer from app.referral_answers w where w.referral_organisation_id = r.organisation_id and w.referral_id = r.received_id and w.organisation_id = r.to_organisation_id
    order by array_position(array['DECLINED', 'COMPLETED', 'IN_PROGRESS', 'ACCEPTED'], w.answer) limit 1
) a on true) s where r.organisation_id = (select substr(session_user::text, 5, 32)::uuid) and r.received_id = any (array(select app.my_referrals()));
create view door.sent_answers with (security_barrier) as select a.id, a.referral_id, a.answer, a.reason, a.answered_at from app.referrals r join app.referral_answers a on a.referral_organisation_id = r.organisation_id and a.referral_id = r.received_id and a.organisation_id = r.to_organisation_id where r.organisation_id = (select substr(session_user::text, 5, 32)::uuid) and r.received_id = any (array(select app.my_referrals())) and not (select sec.is_held());
create view door.sent_hearings with (security_barrier) as select h.id, h.referral_id, h.held_on, h.mode, h.purpose, h.state, h.court_point, h.remote_point, h.has_coordinator, h.support_person, h.interpreter_language, h.outcome, h.next_on from app.referrals r join app.referral_hearings h on h.referral_organisation_id = r.organisation_id and h.referral_id = r.received_id and h.organisation_id = r.to_organisation_id where r.organisation_id = (select substr(session_user::text, 5, 32)::uuid) and r.received_id = any (array(select app.my_referrals())) and not (select sec.is_held());
create view door.sent_updates with (security_barrier) as select u.id, u.referral_organisation_id, u.referral_id, u.kind, u.happened_on, u.created_at from app.referrals r join app.referral_updates u on u.referral_organisation_id = r.organisation_id and u.referral_id = r.received_id and u.organisation_id = r.to_organisation_id where r.organisation_id = (select substr(session_user::text, 5, 32)::uuid) and r.received_id = any (array(select app.my_referrals())) and not (select sec.is_held());
create view door.received_referrals with (security_barrier) as select r.received_id as id, r.organisation_id as from_organisation_id, case when s.status in ('ACCEPTED', 'IN_PROGRESS') then o.name end as from_organisation_name, case when s.status in ('ACCEPTED', 'IN_PROGRESS') then o.state end as from_state, s.status, r.need, r.urgency, r.sent_at, s.begins_at, s.agreed_until, case when s.status in ('ACCEPTED', 'IN_PROGRESS') then s.scopes else '{}'::text[] end as scopes, case when s.status in ('ACCEPTED', 'IN_PROGRESS') then s.ground end as ground from app.referrals r cross join lateral (select 
case
    when r.state <> 'SENT' then r.state
    when a.answer in ('DECLINED', 'COMPLETED') then a.answer
    when w.consent_id is not null or b.ended_at is not null then 'REVOKED'
    when g.status = 'SUSPENDED' then 'SUSPENDED'
    when g.status is distinct from 'LIVE' or coalesce(c.id, b.id) is null then 'EXPIRED'
    when least(r.agreed_until, c.valid_until, b.valid_until) <= (select sec.moment()) then 'EXPIRED'
    else coalesce(a.answer, 'SENT')
end as status, array(select u.scope from unnest(r.scopes) with ordinality u(scope, place) where u.scope = any(coalesce(c.scopes, b.scopes)) and u.scope = any(g.scopes) order by u.place) as scopes, case when coalesce(c.id, b.id) is not null then least(r.agreed_until, c.valid_until, b.valid_until, g.valid_until) else r.agreed_until end as agreed_until, case when c.id is not null then 'CONSENT' else b.kind end as ground, g.valid_from as begins_at from (select) here 
left join app.consents c on c.organisation_id = r.organisation_id and c.id = r.consent_id
left join app.consent_withdrawals w on w.organisation_id = r.organisation_id and w.consent_id = r.consent_id
left join app.legal_bases b on b.organisation_id = r.organisation_id and b.id = r.basis_id
    and (b.kind <> 'VITAL_INTEREST' or b.approved_at is not null)
left join (
select o.organisation_id, o.partner_id, greatest(o.valid_from, t.valid_from) as valid_from, least(o.valid_until, t.valid_until) as valid_until, array(select u.scope from unnest(o.scopes) with ordinality u(scope, place) where u.scope = any(t.scopes) order by u.place) as scopes, case
        when o.suspended_at is not null or t.suspended_at is not null
            or array[o.organisation_id, o.partner_id] && array(select x.partner_id from app.partner_suspensions x where x.lifted_at is null) then 'SUSPENDED'
        when least(o.valid_until, t.valid_until) <= (select sec.moment()) then 'EXPIRED'
        when greatest(o.valid_from, t.valid_from) > (select sec.moment()) then 'UPCOMING'
        else 'LIVE'
    end as status
from app.agreements o
join app.agreements t on t.organisation_id = o.partner_id and t.partner_id = o.organisation_id) g on g.organisation_id = r.organisation_id and g.partner_id = r.to_organisation_id 
left join lateral (
    select w.answer from app.referral_answers w where w.referral_organisation_id = r.organisation_id and w.referral_id = r.received_id and w.organisation_id = r.to_organisation_id
    order by array_position(array['DECLINED', 'COMPLETED', 'IN_PROGRESS', 'ACCEPTED'], w.answer) limit 1
) a on true) s join app.organisations o on o.id = r.organisation_id where r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid);
create view door.received_steps with (security_barrier) as select t.id, r.organisation_id as keeper_id, r.received_id as referral_id, t.state, t.taken_at from app.referrals r join app.referral_steps t on t.organisation_id = r.organisation_id and t.referral_id = r.id where r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid) and t.state not in ('DRAFT', 'CONSENT_RECORDED');
create view door.received_proceedings with (security_barrier) as select r.received_id as referral_id, r.organisation_id as keeper_id, encode(substring(sha256(uuid_send(p.id) || uuid_send(r.received_id)) for 16), 'hex')::uuid as id, p.jurisdiction, p.state, p.stage from app.referrals r join app.legal_proceedings p on p.organisation_id = r.organisation_id and p.case_id = r.case_id cross join lateral (select array(select u.scope from unnest(r.scopes) with ordinality u(scope, place) where u.scope = any(coalesce(c.scopes, b.scopes)) and u.scope = any(g.scopes) order by u.place) as scopes from (select) here 
left join app.consents c on c.organisation_id = r.organisation_id and c.id = r.consent_id
left join app.consent_withdrawals w on w.organisation_id = r.organisation_id and w.consent_id = r.consent_id
left join app.legal_bases b on b.organisation_id = r.organisation_id and b.id = r.basis_id
    and (b.kind <> 'VITAL_INTEREST' or b.approved_at is not null)
left join (
select o.organisation_id, o.partner_id, array(select u.scope from unnest(o.scopes) with ordinality u(scope, place) where u.scope = any(t.scopes) order by u.place) as scopes, case
        when o.suspended_at is not null or t.suspended_at is not null
            or array[o.organisation_id, o.partner_id] && array(select x.partner_id from app.partner_suspensions x where x.lifted_at is null) then 'SUSPENDED'
        when least(o.valid_until, t.valid_until) <= (select sec.moment()) then 'EXPIRED'
        when greatest(o.valid_from, t.valid_from) > (select sec.moment()) then 'UPCOMING'
        else 'LIVE'
    end as status
from app.agreements o
join app.agreements t on t.organisation_id = o.partner_id and t.partner_id = o.organisation_id) g on g.organisation_id = r.organisation_id and g.partner_id = r.to_organisation_id 
left join lateral (
    select w.answer from app.referral_answers w where w.referral_organisation_id = r.organisation_id and w.referral_id = r.received_id and w.organisation_id = r.to_organisation_id
    order by array_position(array['DECLINED', 'COMPLETED', 'IN_PROGRESS', 'ACCEPTED'], w.answer) limit 1
) a on true where r.state = 'SENT' and a.answer in ('ACCEPTED', 'IN_PROGRESS') and w.consent_id is null and b.ended_at is null
    and g.status = 'LIVE' and least(r.agreed_until, c.valid_until, b.valid_until) > (select sec.moment())) s where r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid) and 'LEGAL_STATUS' = any(s.scopes);
create view door.received_hearings with (security_barrier) as select r.received_id as referral_id, r.organisation_id as keeper_id, encode(substring(sha256(uuid_send(h.id) || uuid_send(r.received_id)) for 16), 'hex')::uuid as id, h.held_on, h.mode, h.purpose, h.state, h.court_point, h.remote_point, h.has_coordinator, h.support_person, h.interpreter_language, h.outcome, h.next_on from app.referrals r join app.legal_proceedings p on p.organisation_id = r.organisation_id and p.case_id = r.case_id join app.hearings h on h.organisation_id = p.organisation_id and h.proceeding_id = p.id cross join lateral (select array(select u.scope from unnest(r.scopes) with ordinality u(scope, place) where u.scope = any(coalesce(c.scopes, b.scopes)) and u.scope = any(g.scopes) order by u.place) as scopes from (select) here 
left join app.consents c on c.organisation_id = r.organisation_id and c.id = r.consent_id
left join app.consent_withdrawals w on w.organisation_id = r.organisation_id and w.consent_id = r.consent_id
left join app.legal_bases b on b.organisation_id = r.organisation_id and b.id = r.basis_id
    and (b.kind <> 'VITAL_INTEREST' or b.approved_at is not null)
left join (
select o.organisation_id, o.partner_id, array(select u.scope from unnest(o.scopes) with ordinality u(scope, place) where u.scope = any(t.scopes) order by u.place) as scopes, case
        when o.suspended_at is not null or t.suspended_at is not null
            or array[o.organisation_id, o.partner_id] && array(select x.partner_id from app.partner_suspensions x where x.lifted_at is null) then 'SUSPENDED'
        when least(o.valid_until, t.valid_until) <= (select sec.moment()) then 'EXPIRED'
        when greatest(o.valid_from, t.valid_from) > (select sec.moment()) then 'UPCOMING'
        else 'LIVE'
    end as status
from app.agreements o
join app.agreements t on t.organisation_id = o.partner_id and t.partner_id = o.organisation_id) g on g.organisation_id = r.organisation_id and g.partner_id = r.to_organisation_id 
left join lateral (
    select w.answer from app.referral_answers w where w.referral_organisation_id = r.organisation_id and w.referral_id = r.received_id and w.organisation_id = r.to_organisation_id
    order by array_position(array['DECLINED', 'COMPLETED', 'IN_PROGRESS', 'ACCEPTED'], w.answer) limit 1
) a on true where r.state = 'SENT' and a.answer in ('ACCEPTED', 'IN_PROGRESS') and w.consent_id is null and b.ended_at is null
    and g.status = 'LIVE' and least(r.agreed_until, c.valid_until, b.valid_until) > (select sec.moment())) s where r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid) and 'HEARING_SCHEDULE' = any(s.scopes);
create view door.received_confirmations with (security_barrier) as select r.received_id as referral_id, r.organisation_id as keeper_id, h.hearing_id, h.remote_point, h.has_coordinator, h.support_person, h.updated_at from app.referrals r join app.hearing_confirmations h on h.organisation_id = r.organisation_id and h.referral_id = r.id cross join lateral (select array(select u.scope from unnest(r.scopes) with ordinality u(scope, place) where u.scope = any(coalesce(c.scopes, b.scopes)) and u.scope = any(g.scopes) order by u.place) as scopes from (select) here 
left join app.consents c on c.organisation_id = r.organisation_id and c.id = r.consent_id
left join app.consent_withdrawals w on w.organisation_id = r.organisation_id and w.consent_id = r.consent_id
left join app.legal_bases b on b.organisation_id = r.organisation_id and b.id = r.basis_id
    and (b.kind <> 'VITAL_INTEREST' or b.approved_at is not null)
left join (
select o.organisation_id, o.partner_id, array(select u.scope from unnest(o.scopes) with ordinality u(scope, place) where u.scope = any(t.scopes) order by u.place) as scopes, case
        when o.suspended_at is not null or t.suspended_at is not null
            or array[o.organisation_id, o.partner_id] && array(select x.partner_id from app.partner_suspensions x where x.lifted_at is null) then 'SUSPENDED'
        when least(o.valid_until, t.valid_until) <= (select sec.moment()) then 'EXPIRED'
        when greatest(o.valid_from, t.valid_from) > (select sec.moment()) then 'UPCOMING'
        else 'LIVE'
    end as status
from app.agreements o
join app.agreements t on t.organisation_id = o.partner_id and t.partner_id = o.organisation_id) g on g.organisation_id = r.organisation_id and g.partner_id = r.to_organisation_id 
left join lateral (
    select w.answer from app.referral_answers w where w.referral_organisation_id = r.organisation_id and w.referral_id = r.received_id and w.organisation_id = r.to_organisation_id
    order by array_position(array['DECLINED', 'COMPLETED', 'IN_PROGRESS', 'ACCEPTED'], w.answer) limit 1
) a on true where r.state = 'SENT' and a.answer in ('ACCEPTED', 'IN_PROGRESS') and w.consent_id is null and b.ended_at is null
    and g.status = 'LIVE' and least(r.agreed_until, c.valid_until, b.valid_until) > (select sec.moment())) s where r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid) and 'HEARING_SCHEDULE' = any(s.scopes);
create view door.received_support with (security_barrier) as select r.received_id as referral_id, r.organisation_id as keeper_id, coalesce(extract(year from now()) - v.birth_year <= 18, v.is_minor_at_intake) as needs_support from app.referrals r join app.survivors v on v.organisation_id = r.organisation_id and v.id = r.survivor_id cross join lateral (select array(select u.scope from unnest(r.scopes) with ordinality u(scope, place) where u.scope = any(coalesce(c.scopes, b.scopes)) and u.scope = any(g.scopes) order by u.place) as scopes from (select) here 
left join app.consents c on c.organisation_id = r.organisation_id and c.id = r.consent_id
left join app.consent_withdrawals w on w.organisation_id = r.organisation_id and w.consent_id = r.consent_id
left join app.legal_bases b on b.organisation_id = r.organisation_id and b.id = r.basis_id
    and (b.kind <> 'VITAL_INTEREST' or b.approved_at is not null)
left join (
select o.organisation_id, o.partner_id, array(select u.scope from unnest(o.scopes) with ordinality u(scope, place) where u.scope = any(t.scopes) order by u.place) as scopes, case
        when o.suspended_at is not null or t.suspended_at is not null
            or array[o.organisation_id, o.partner_id] && array(select x.partner_id from app.partner_suspensions x where x.lifted_at is null) then 'SUSPENDED'
        when least(o.valid_until, t.valid_until) <= (select sec.moment()) then 'EXPIRED'
        when greatest(o.valid_from, t.valid_from) > (select sec.moment()) then 'UPCOMING'
        else 'LIVE'
    end as status
from app.agreements o
join app.agreements t on t.organisation_id = o.partner_id and t.partner_id = o.organisation_id) g on g.organisation_id = r.organisation_id and g.partner_id = r.to_organisation_id 
left join lateral (
    select w.answer from app.referral_answers w where w.referral_organisation_id = r.organisation_id and w.referral_id = r.received_id and w.organisation_id = r.to_organisation_id
    order by array_position(array['DECLINED', 'COMPLETED', 'IN_PROGRESS', 'ACCEPTED'], w.answer) limit 1
) a on true where r.state = 'SENT' and a.answer in ('ACCEPTED', 'IN_PROGRESS') and w.consent_id is null and b.ended_at is null
    and g.status = 'LIVE' and least(r.agreed_until, c.valid_until, b.valid_until) > (select sec.moment())) s where r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid) and 'HEARING_SCHEDULE' = any(s.scopes);
create view door.received_cases with (security_barrier) as select r.received_id as referral_id, r.organisation_id as keeper_id, upper(substr(encode(sha256(uuid_send(r.survivor_id) || uuid_send(r.to_organisation_id)), 'hex'), 1, 10)) as pseudonym, s.agreed_until as expires_at, s.scopes, case when 'RISK_SAFETY' = any(s.scopes) then c.risk_level end as risk_level from app.referrals r join app.cases c on c.organisation_id = r.organisation_id and c.id = r.case_id cross join lateral (select array(select u.scope from unnest(r.scopes) with ordinality u(scope, place) where u.scope = any(coalesce(c.scopes, b.scopes)) and u.scope = any(g.scopes) order by u.place) as scopes, least(r.agreed_until, c.valid_until, b.valid_until, g.valid_until) as agreed_until from (select) here 
left join app.consents c on c.organisation_id = r.organisation_id and c.id = r.consent_id
left join app.consent_withdrawals w on w.organisation_id = r.organisation_id and w.consent_id = r.consent_id
left join app.legal_bases b on b.organisation_id = r.organisation_id and b.id = r.basis_id
    and (b.kind <> 'VITAL_INTEREST' or b.approved_at is not null)
left join (
select o.organisation_id, o.partner_id, least(o.valid_until, t.valid_until) as valid_until, array(select u.scope from unnest(o.scopes) with ordinality u(scope, place) where u.scope = any(t.scopes) order by u.place) as scopes, case
        when o.suspended_at is not null or t.suspended_at is not null
            or array[o.organisation_id, o.partner_id] && array(select x.partner_id from app.partner_suspensions x where x.lifted_at is null) then 'SUSPENDED'
        when least(o.valid_until, t.valid_until) <= (select sec.moment()) then 'EXPIRED'
        when greatest(o.valid_from, t.valid_from) > (select sec.moment()) then 'UPCOMING'
        else 'LIVE'
    end as status
from app.agreements o
join app.agreements t on t.organisation_id = o.partner_id and t.partner_id = o.organisation_id) g on g.organisation_id = r.organisation_id and g.partner_id = r.to_organisation_id 
left join lateral (
    select w.answer from app.referral_answers w where w.referral_organisation_id = r.organisation_id and w.referral_id = r.received_id and w.organisation_id = r.to_organisation_id
    order by array_position(array['DECLINED', 'COMPLETED', 'IN_PROGRESS', 'ACCEPTED'], w.answer) limit 1
) a on true where r.state = 'SENT' and a.answer in ('ACCEPTED', 'IN_PROGRESS') and w.consent_id is null and b.ended_at is null
    and g.status = 'LIVE' and least(r.agreed_until, c.valid_until, b.valid_until) > (select sec.moment()) and coalesce(c.id, b.id) is not null) s where r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid);
create view door.received_identities with (security_barrier) as select r.received_id as referral_id, r.organisation_id as keeper_id, r.survivor_id, v.gender, v.primary_language, ((extract(year from current_date)::int - v.birth_year) / 5 * 5)::text || '-' || (((extract(year from current_date)::int - v.birth_year) / 5 * 5) + 4)::text as age_band, k.wrapped, i.first_name, i.alias from app.referrals r join app.survivors v on v.organisation_id = r.organisation_id and v.id = r.survivor_id left join app.survivor_keys k on k.organisation_id = r.organisation_id and k.survivor_id = r.survivor_id left join app.survivor_identities i on i.organisation_id = r.organisation_id and i.survivor_id = r.survivor_id cross join lateral (select array(select u.scope from unnest(r.scopes) with ordinality u(scope, place) where u.scope = any(coalesce(c.scopes, b.scopes)) and u.scope = any(g.scopes) order by u.place) as scopes from (select) here 
left join app.consents c on c.organisation_id = r.organisation_id and c.id = r.consent_id
left join app.consent_withdrawals w on w.organisation_id = r.organisation_id and w.consent_id = r.consent_id
left join app.legal_bases b on b.organisation_id = r.organisation_id and b.id = r.basis_id
    and (b.kind <> 'VITAL_INTEREST' or b.approved_at is not null)
left join (
select o.organisation_id, o.partner_id, array(select u.scope from unnest(o.scopes) with ordinality u(scope, place) where u.scope = any(t.scopes) order by u.place) as scopes, case
        when o.suspended_at is not null or t.suspended_at is not null
            or array[o.organisation_id, o.partner_id] && array(select x.partner_id from app.partner_suspensions x where x.lifted_at is null) then 'SUSPENDED'
        when least(o.valid_until, t.valid_until) <= (select sec.moment()) then 'EXPIRED'
        when greatest(o.valid_from, t.valid_from) > (select sec.moment()) then 'UPCOMING'
        else 'LIVE'
    end as status
from app.agreements o
join app.agreements t on t.organisation_id = o.partner_id and t.partner_id = o.organisation_id) g on g.organisation_id = r.organisation_id and g.partner_id = r.to_organisation_id 
left join lateral (
    select w.answer from app.referral_answers w where w.referral_organisation_id = r.organisation_id and w.referral_id = r.received_id and w.organisation_id = r.to_organisation_id
    order by array_position(array['DECLINED', 'COMPLETED', 'IN_PROGRESS', 'ACCEPTED'], w.answer) limit 1
) a on true where r.state = 'SENT' and a.answer in ('ACCEPTED', 'IN_PROGRESS') and w.consent_id is null and b.ended_at is null
    and g.status = 'LIVE' and least(r.agreed_until, c.valid_until, b.valid_until) > (select sec.moment())) s where r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid) and 'IDENTITY_MINIMAL' = any(s.scopes);
create view door.received_contacts with (security_barrier) as select r.received_id as referral_id, r.organisation_id as keeper_id, r.survivor_id, v.primary_language, k.wrapped, i.phone from app.referrals r join app.survivors v on v.organisation_id = r.organisation_id and v.id = r.survivor_id left join app.survivor_keys k on k.organisation_id = r.organisation_id and k.survivor_id = r.survivor_id left join app.survivor_identities i on i.organisation_id = r.organisation_id and i.survivor_id = r.survivor_id cross join lateral (select array(select u.scope from unnest(r.scopes) with ordinality u(scope, place) where u.scope = any(coalesce(c.scopes, b.scopes)) and u.scope = any(g.scopes) order by u.place) as scopes from (select) here 
left join app.consents c on c.organisation_id = r.organisation_id and c.id = r.consent_id
left join app.consent_withdrawals w on w.organisation_id = r.organisation_id and w.consent_id = r.consent_id
left join app.legal_bases b on b.organisation_id = r.organisation_id and b.id = r.basis_id
    and (b.kind <> 'VITAL_INTEREST' or b.approved_at is not null)
left join (
select o.organisation_id, o.partner_id, array(select u.scope from unnest(o.scopes) with ordinality u(scope, place) where u.scope = any(t.scopes) order by u.place) as scopes, case
        when o.suspended_at is not null or t.suspended_at is not null
            or array[o.organisation_id, o.partner_id] && array(select x.partner_id from app.partner_suspensions x where x.lifted_at is null) then 'SUSPENDED'
        when least(o.valid_until, t.valid_until) <= (select sec.moment()) then 'EXPIRED'
        when greatest(o.valid_from, t.valid_from) > (select sec.moment()) then 'UPCOMING'
        else 'LIVE'
    end as status
from app.agreements o
join app.agreements t on t.organisation_id = o.partner_id and t.partner_id = o.organisation_id) g on g.organisation_id = r.organisation_id and g.partner_id = r.to_organisation_id 
left join lateral (
    select w.answer from app.referral_answers w where w.referral_organisation_id = r.organisation_id and w.referral_id = r.received_id and w.organisation_id = r.to_organisation_id
    order by array_position(array['DECLINED', 'COMPLETED', 'IN_PROGRESS', 'ACCEPTED'], w.answer) limit 1
) a on true where r.state = 'SENT' and a.answer in ('ACCEPTED', 'IN_PROGRESS') and w.consent_id is null and b.ended_at is null
    and g.status = 'LIVE' and least(r.agreed_until, c.valid_until, b.valid_until) > (select sec.moment())) s where r.to_organisation_id = (select substr(session_user::text, 5, 32)::uuid) and 'CONTACT_SAFE' = any(s.scopes);

set role pat_owner;
revoke create on schema door from pat_door_referral;
grant usage on schema app to pat_door_network_referrals;
grant usage, create on schema door to pat_door_network_referrals;
grant select (organisation_id, id, received_id, to_organisation_id, state, consent_id, basis_id, agreed_until, sent_at) on app.referrals to pat_door_network_referrals;
create policy pat_door_network_referrals on app.referrals for select to pat_door_network_referrals using ((select substr(session_user::text, 38)) = any (array['secretariat_admin', 'secretariat_analyst', 'auditor']) and state not in ('DRAFT', 'CONSENT_RECORDED'));
grant select (organisation_id, referral_organisation_id, referral_id, answer) on app.referral_answers to pat_door_network_referrals;
create policy pat_door_network_referrals on app.referral_answers for select to pat_door_network_referrals using ((select substr(session_user::text, 38)) = any (array['secretariat_admin', 'secretariat_analyst', 'auditor']));
grant select (organisation_id, partner_id, valid_from, valid_until, suspended_at) on app.agreements to pat_door_network_referrals;
create policy pat_door_network_referrals on app.agreements for select to pat_door_network_referrals using ((select substr(session_user::text, 38)) = any (array['secretariat_admin', 'secretariat_analyst', 'auditor']));
grant select (partner_id, lifted_at) on app.partner_suspensions to pat_door_network_referrals;
create policy pat_door_network_referrals on app.partner_suspensions for select to pat_door_network_referrals using ((select substr(session_user::text, 38)) = any (array['secretariat_admin', 'secretariat_analyst', 'auditor']));
grant select (organisation_id, id, valid_until) on app.consents to pat_door_network_referrals;
create policy pat_door_network_referrals on app.consents for select to pat_door_network_referrals using ((select substr(session_user::text, 38)) = any (array['secretariat_admin', 'secretariat_analyst', 'auditor']));
grant select (organisation_id, consent_id) on app.consent_withdrawals to pat_door_network_referrals;
create policy pat_door_network_referrals on app.consent_withdrawals for select to pat_door_network_referrals using ((select substr(session_user::text, 38)) = any (array['secretariat_admin', 'secretariat_analyst', 'auditor']));
grant select (organisation_id, id, kind, valid_until, approved_at, ended_at) on app.legal_bases to pat_door_network_referrals;
create policy pat_door_network_referrals on app.legal_bases for select to pat_door_network_referrals using ((select substr(session_user::text, 38)) = any (array['secretariat_admin', 'secretariat_analyst', 'auditor']));

set role pat_door_network_referrals;
create view door.network_referrals with (security_barrier) as select encode(substring(sha256(uuid_send(r.organisation_id) || uuid_send(r.id) || uuid_send(r.received_id) || uuid_send((select substr(session_user::text, 5, 32)::uuid))) for 16), 'hex')::uuid as id, r.organisation_id as from_organisation_id, r.to_organisation_id, 
case
    when r.state <> 'SENT' then r.state
    when a.answer in ('DECLINED', 'COMPLETED') then a.answer
    when w.consent_id is not null or b.ended_at is not null then 'REVOKED'
    when g.status = 'SUSPENDED' then 'SUSPENDED'
    when g.status is distinct from 'LIVE' or coalesce(c.id, b.id) is null then 'EXPIRED'
    when least(r.agreed_until, c.valid_until, b.valid_until) <= (select sec.moment()) then 'EXPIRED'
    else coalesce(a.answer, 'SENT')
end as status, date_trunc('month', r.sent_at at time zone 'Asia/Kolkata')::date as month from app.referrals r 
left join app.consents c on c.organisation_id = r.organisation_id and c.id = r.consent_id
left join app.consent_withdrawals w on w.organisation_id = r.organisation_id and w.consent_id = r.consent_id
left join app.legal_bases b on b.organisation_id = r.organisation_id and b.id = r.basis_id
    and (b.kind <> 'VITAL_INTEREST' or b.approved_at is not null)
left join (
select o.organisation_id, o.partner_id, case
        when o.suspended_at is not null or t.suspended_at is not null
            or array[o.organisation_id, o.partner_id] && array(select x.partner_id from app.partner_suspensions x where x.lifted_at is null) then 'SUSPENDED'
        when least(o.valid_until, t.valid_until) <= (select sec.moment()) then 'EXPIRED'
        when greatest(o.valid_from, t.valid_from) > (select sec.moment()) then 'UPCOMING'
        else 'LIVE'
    end as status
from app.agreements o
join app.agreements t on t.organisation_id = o.partner_id and t.partner_id = o.organisation_id) g on g.organisation_id = r.organisation_id and g.partner_id = r.to_organisation_id 
left join lateral (
    select w.answer from app.referral_answers w where w.referral_organisation_id = r.organisation_id and w.referral_id = r.received_id and w.organisation_id = r.to_organisation_id
    order by array_position(array['DECLINED', 'COMPLETED', 'IN_PROGRESS', 'ACCEPTED'], w.answer) limit 1
) a on true;

set role pat_owner;
revoke create on schema door from pat_door_network_referrals;

set role pat_trail;
grant usage on schema trail to pat_door_trail;

set role pat_owner;
grant usage, create on schema door to pat_door_trail;

set role pat_trail;
grant select (organisation_id, number, at, login, actor, action, subjects, detail, hash) on trail.events to pat_door_trail;
create policy pat_door_trail on trail.events for select to pat_door_trail using (organisation_id = (select substr(session_user::text, 5, 32)::uuid));

set role pat_door_trail;
create view door.organisation_events with (security_barrier) as select encode(substring(sha256(e.hash || uuid_send((select substr(session_user::text, 5, 32)::uuid))) for 16), 'hex')::uuid as id, e.organisation_id, e.number, e.at, case when e.login ~ '^org_' then substr(e.login, 38) end as role,
case when not e.login ~ '^org_[0-9a-f]{32}_survivor$' then e.actor end as actor, e.action, array(select upper(c #>> '{}') from jsonb_path_query(e.detail::jsonb, 'lax $.classes[*]') c where upper(c #>> '{}') = any (array['IDENTITY', 'NOTE', 'LEGAL_STATUS', 'HEARING_SCHEDULE', 'RISK'])) as classes,
case when e.login ~ '^org_[0-9a-f]{32}_survivor$' then '{}'::uuid[] else e.subjects end as subjects, e.detail
from trail.events e order by e.number desc;
create view door.own_events with (security_barrier) as select encode(substring(sha256(e.hash || uuid_send((select substr(session_user::text, 5, 32)::uuid))) for 16), 'hex')::uuid as id, e.organisation_id, e.number, e.at, case when e.login ~ '^org_' then substr(e.login, 38) end as role,
case when not e.login ~ '^org_[0-9a-f]{32}_survivor$' then e.actor end as actor, e.action, array(select upper(c #>> '{}') from jsonb_path_query(e.detail::jsonb, 'lax $.classes[*]') c where upper(c #>> '{}') = any (array['IDENTITY', 'NOTE', 'LEGAL_STATUS', 'HEARING_SCHEDULE', 'RISK'])) as classes,
case when e.login ~ '^org_[0-9a-f]{32}_survivor$' then '{}'::uuid[] else e.subjects end as subjects, e.detail
from trail.events e where e.actor = (select sec.actor()) order by e.number desc;

set role pat_owner;
revoke create on schema door from pat_door_trail;

set role pat_trail;
grant usage on schema trail to pat_door_network_trail;

set role pat_owner;
grant usage, create on schema door to pat_door_network_trail;

set role pat_trail;
grant select (organisation_id, at, login, action, detail, hash) on trail.events to pat_door_network_trail;
create policy pat_door_network_trail on trail.events for select to pat_door_network_trail using ((select substr(session_user::text, 38)) = any (array['secretariat_admin', 'auditor']));

set role pat_door_network_trail;
create view door.network_events with (security_barrier) as select encode(substring(sha256(e.hash || uuid_send((select substr(session_user::text, 5, 32)::uuid))) for 16), 'hex')::uuid as id, e.organisation_id, case when e.action = any (array['session.opened', 'session.revoked', 'password.changed', 'password.reset', 'passkey.added', 'passkey.removed', 'generator.renewed', 'recovery_codes.renewed', 'upstream.added', 'upstream.disabled', 'upstream.linked', 'upstream.unlinked', 'person.disabled', 'person.enabled', 'member.invited', 'member.joined', 'member.ended', 'invitation.withdrawn', 'client.registered', 'client.updated', 'client.disabled', 'client_key.rotated', 'agreement.signed', 'agreement.suspended', 'agreement.resumed', 'partner.suspended', 'partner.resumed']) then e.at else date_trunc('month', e.at at time zone 'Asia/Kolkata') at time zone 'Asia/Kolkata' end as at, case when e.login ~ '^org_' then substr(e.login, 38) end as role, e.action, array(select upper(c #>> '{}') from jsonb_path_query(e.detail::jsonb, 'lax $.classes[*]') c where upper(c #>> '{}') = any (array['IDENTITY', 'NOTE', 'LEGAL_STATUS', 'HEARING_SCHEDULE', 'RISK'])) as classes from trail.events e order by case when e.action = any (array['session.opened', 'session.revoked', 'password.changed', 'password.reset', 'passkey.added', 'passkey.removed', 'generator.renewed', 'recovery_codes.renewed', 'upstream.added', 'upstream.disabled', 'upstream.linked', 'upstream.unlinked', 'person.disabled', 'person.enabled', 'member.invited', 'member.joined', 'member.ended', 'invitation.withdrawn', 'client.registered', 'client.updated', 'client.disabled', 'client_key.rotated', 'agreement.signed', 'agreement.suspended', 'agreement.resumed', 'partner.suspended', 'partner.resumed']) then e.at else date_trunc('month', e.at at time zone 'Asia/Kolkata') at time zone 'Asia/Kolkata' end desc, id desc;

set role pat_owner;
revoke create on schema door from pat_door_network_trail;

set role pat_trail;
grant usage on schema trail to pat_door_access;

set role pat_owner;
grant usage on schema app to pat_door_access;
grant usage, create on schema door to pat_door_access;

set role pat_trail;
grant select (organisation_id, at, login, actor, action, subjects, detail, hash) on trail.events to pat_door_access;
create policy pat_door_access on trail.events for select to pat_door_access using (not (select sec.is_held()) and subjects && (select array[(select sec.survivor())] || array(select app.my_referrals())));

set role pat_owner;
grant select (organisation_id, id, received_id, survivor_id, to_organisation_id) on app.referrals to pat_door_access;
create policy pat_door_access on app.referrals for select to pat_door_access using (organisation_id = (select substr(session_user::text, 5, 32)::uuid));

set role pat_door_access;
create view door.partner_events with (security_barrier) as select encode(substring(sha256(e.hash || uuid_send(r.id)) for 16), 'hex')::uuid as id, e.organisation_id, e.at, case when e.login ~ '^org_' then substr(e.login, 38) end as role, e.action, array(select upper(c #>> '{}') from jsonb_path_query(e.detail::jsonb, 'lax $.classes[*]') c where upper(c #>> '{}') = any (array['IDENTITY', 'NOTE', 'LEGAL_STATUS', 'HEARING_SCHEDULE', 'RISK'])) as classes, r.id as referral_id from app.referrals r join trail.events e
on e.organisation_id = r.to_organisation_id and r.received_id = any(e.subjects);
create view door.access_log with (security_barrier) as select encode(substring(sha256(e.hash || uuid_send((select substr(session_user::text, 5, 32)::uuid))) for 16), 'hex')::uuid as id, e.organisation_id, e.at, case when e.login ~ '^org_' then substr(e.login, 38) end as role, e.actor, e.action, array(select upper(c #>> '{}') from jsonb_path_query(e.detail::jsonb, 'lax $.classes[*]') c where upper(c #>> '{}') = any (array['IDENTITY', 'NOTE', 'LEGAL_STATUS', 'HEARING_SCHEDULE', 'RISK'])) as classes, null::uuid as referral_id from trail.events e where e.organisation_id = (select substr(session_user::text, 5, 32)::uuid) and (select sec.survivor()) = any(e.subjects) and not e.login ~ '^org_[0-9a-f]{32}_survivor$' union all select encode(substring(sha256(e.hash || uuid_send(r.id)) for 16), 'hex')::uuid as id, e.organisation_id, e.at, case when e.login ~ '^org_' then substr(e.login, 38) end as role, null::uuid as actor, e.action, array(select upper(c #>> '{}') from jsonb_path_query(e.detail::jsonb, 'lax $.classes[*]') c where upper(c #>> '{}') = any (array['IDENTITY', 'NOTE', 'LEGAL_STATUS', 'HEARING_SCHEDULE', 'RISK'])) as classes, r.id as referral_id from app.referrals r join trail.events e
on e.organisation_id = r.to_organisation_id and r.received_id = any(e.subjects) where r.survivor_id = (select sec.survivor());

set role pat_owner;
revoke create on schema door from pat_door_access;
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_organisation_admin;
create policy me_read_organisation_admin_select on app.memberships for select to pat_organisation_admin using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_case_manager;
create policy me_read_case_manager_select on app.memberships for select to pat_case_manager using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_social_worker;
create policy me_read_social_worker_select on app.memberships for select to pat_social_worker using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_counsellor;
create policy me_read_counsellor_select on app.memberships for select to pat_counsellor using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_legal_aid;
create policy me_read_legal_aid_select on app.memberships for select to pat_legal_aid using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_shg_facilitator;
create policy me_read_shg_facilitator_select on app.memberships for select to pat_shg_facilitator using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_mis_focal;
create policy me_read_mis_focal_select on app.memberships for select to pat_mis_focal using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_survivor;
create policy me_read_survivor_select on app.memberships for select to pat_survivor using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_secretariat_admin;
create policy me_read_secretariat_admin_select on app.memberships for select to pat_secretariat_admin using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_secretariat_analyst;
create policy me_read_secretariat_analyst_select on app.memberships for select to pat_secretariat_analyst using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_auditor;
create policy me_read_auditor_select on app.memberships for select to pat_auditor using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_destination_admin;
create policy me_read_destination_admin_select on app.memberships for select to pat_destination_admin using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_destination_worker;
create policy me_read_destination_worker_select on app.memberships for select to pat_destination_worker using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_funder;
create policy me_read_funder_select on app.memberships for select to pat_funder using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_platform_operator;
create policy me_read_platform_operator_select on app.memberships for select to pat_platform_operator using (person_id = (select sec.actor()));
grant select (organisation_id, id, person_id, role, name, started_at, ended_at) on app.memberships to pat_service;
create policy me_read_service_select on app.memberships for select to pat_service using (person_id = (select sec.actor()));
grant select on app.replays to pat_organisation_admin;
create policy me_read_organisation_admin_select on app.replays for select to pat_organisation_admin using (person_id = (select sec.actor()));
grant select on app.replays to pat_case_manager;
create policy me_read_case_manager_select on app.replays for select to pat_case_manager using (person_id = (select sec.actor()));
grant select on app.replays to pat_social_worker;
create policy me_read_social_worker_select on app.replays for select to pat_social_worker using (person_id = (select sec.actor()));
grant select on app.replays to pat_counsellor;
create policy me_read_counsellor_select on app.replays for select to pat_counsellor using (person_id = (select sec.actor()));
grant select on app.replays to pat_legal_aid;
create policy me_read_legal_aid_select on app.replays for select to pat_legal_aid using (person_id = (select sec.actor()));
grant select on app.replays to pat_shg_facilitator;
create policy me_read_shg_facilitator_select on app.replays for select to pat_shg_facilitator using (person_id = (select sec.actor()));
grant select on app.replays to pat_mis_focal;
create policy me_read_mis_focal_select on app.replays for select to pat_mis_focal using (person_id = (select sec.actor()));
grant select on app.replays to pat_survivor;
create policy me_read_survivor_select on app.replays for select to pat_survivor using (person_id = (select sec.actor()));
grant select on app.replays to pat_secretariat_admin;
create policy me_read_secretariat_admin_select on app.replays for select to pat_secretariat_admin using (person_id = (select sec.actor()));
grant select on app.replays to pat_secretariat_analyst;
create policy me_read_secretariat_analyst_select on app.replays for select to pat_secretariat_analyst using (person_id = (select sec.actor()));
grant select on app.replays to pat_auditor;
create policy me_read_auditor_select on app.replays for select to pat_auditor using (person_id = (select sec.actor()));
grant select on app.replays to pat_destination_admin;
create policy me_read_destination_admin_select on app.replays for select to pat_destination_admin using (person_id = (select sec.actor()));
grant select on app.replays to pat_destination_worker;
create policy me_read_destination_worker_select on app.replays for select to pat_destination_worker using (person_id = (select sec.actor()));
grant select on app.replays to pat_funder;
create policy me_read_funder_select on app.replays for select to pat_funder using (person_id = (select sec.actor()));
grant select on app.replays to pat_platform_operator;
create policy me_read_platform_operator_select on app.replays for select to pat_platform_operator using (person_id = (select sec.actor()));
grant select on app.replays to pat_service;
create policy me_read_service_select on app.replays for select to pat_service using (person_id = (select sec.actor()));
grant insert on app.replays to pat_organisation_admin;
create policy me_read_organisation_admin_insert on app.replays for insert to pat_organisation_admin with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_case_manager;
create policy me_read_case_manager_insert on app.replays for insert to pat_case_manager with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_social_worker;
create policy me_read_social_worker_insert on app.replays for insert to pat_social_worker with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_counsellor;
create policy me_read_counsellor_insert on app.replays for insert to pat_counsellor with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_legal_aid;
create policy me_read_legal_aid_insert on app.replays for insert to pat_legal_aid with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_shg_facilitator;
create policy me_read_shg_facilitator_insert on app.replays for insert to pat_shg_facilitator with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_mis_focal;
create policy me_read_mis_focal_insert on app.replays for insert to pat_mis_focal with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_survivor;
create policy me_read_survivor_insert on app.replays for insert to pat_survivor with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_secretariat_admin;
create policy me_read_secretariat_admin_insert on app.replays for insert to pat_secretariat_admin with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_secretariat_analyst;
create policy me_read_secretariat_analyst_insert on app.replays for insert to pat_secretariat_analyst with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_auditor;
create policy me_read_auditor_insert on app.replays for insert to pat_auditor with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_destination_admin;
create policy me_read_destination_admin_insert on app.replays for insert to pat_destination_admin with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_destination_worker;
create policy me_read_destination_worker_insert on app.replays for insert to pat_destination_worker with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_funder;
create policy me_read_funder_insert on app.replays for insert to pat_funder with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_platform_operator;
create policy me_read_platform_operator_insert on app.replays for insert to pat_platform_operator with check (person_id = (select sec.actor()));
grant insert on app.replays to pat_service;
create policy me_read_service_insert on app.replays for insert to pat_service with check (person_id = (select sec.actor()));
grant select on app.transitions to pat_organisation_admin;
create policy me_read_organisation_admin_select on app.transitions for select to pat_organisation_admin using (true);
grant select on app.transitions to pat_case_manager;
create policy me_read_case_manager_select on app.transitions for select to pat_case_manager using (true);
grant select on app.transitions to pat_social_worker;
create policy me_read_social_worker_select on app.transitions for select to pat_social_worker using (true);
grant select on app.transitions to pat_counsellor;
create policy me_read_counsellor_select on app.transitions for select to pat_counsellor using (true);
grant select on app.transitions to pat_legal_aid;
create policy me_read_legal_aid_select on app.transitions for select to pat_legal_aid using (true);
grant select on app.transitions to pat_shg_facilitator;
create policy me_read_shg_facilitator_select on app.transitions for select to pat_shg_facilitator using (true);
grant select on app.transitions to pat_mis_focal;
create policy me_read_mis_focal_select on app.transitions for select to pat_mis_focal using (true);
grant select on app.transitions to pat_survivor;
create policy me_read_survivor_select on app.transitions for select to pat_survivor using (true);
grant select on app.transitions to pat_secretariat_admin;
create policy me_read_secretariat_admin_select on app.transitions for select to pat_secretariat_admin using (true);
grant select on app.transitions to pat_secretariat_analyst;
create policy me_read_secretariat_analyst_select on app.transitions for select to pat_secretariat_analyst using (true);
grant select on app.transitions to pat_auditor;
create policy me_read_auditor_select on app.transitions for select to pat_auditor using (true);
grant select on app.transitions to pat_destination_admin;
create policy me_read_destination_admin_select on app.transitions for select to pat_destination_admin using (true);
grant select on app.transitions to pat_destination_worker;
create policy me_read_destination_worker_select on app.transitions for select to pat_destination_worker using (true);
grant select on app.transitions to pat_funder;
create policy me_read_funder_select on app.transitions for select to pat_funder using (true);
grant select on app.transitions to pat_platform_operator;
create policy me_read_platform_operator_select on app.transitions for select to pat_platform_operator using (true);
grant select on app.transitions to pat_service;
create policy me_read_service_select on app.transitions for select to pat_service using (true);
grant select on app.organisations to pat_organisation_admin;
create policy organisation_read_organisation_admin_select on app.organisations for select to pat_organisation_admin using (true);
grant select on app.organisations to pat_case_manager;
create policy organisation_read_case_manager_select on app.organisations for select to pat_case_manager using (true);
grant select on app.organisations to pat_social_worker;
create policy organisation_read_social_worker_select on app.organisations for select to pat_social_worker using (true);
grant select on app.organisations to pat_counsellor;
create policy organisation_read_counsellor_select on app.organisations for select to pat_counsellor using (true);
grant select on app.organisations to pat_legal_aid;
create policy organisation_read_legal_aid_select on app.organisations for select to pat_legal_aid using (true);
grant select on app.organisations to pat_shg_facilitator;
create policy organisation_read_shg_facilitator_select on app.organisations for select to pat_shg_facilitator using (true);
grant select on app.organisations to pat_mis_focal;
create policy organisation_read_mis_focal_select on app.organisations for select to pat_mis_focal using (true);
grant select on app.organisations to pat_survivor;
create policy organisation_read_survivor_select on app.organisations for select to pat_survivor using (true);
grant select on app.organisations to pat_secretariat_admin;
create policy organisation_read_secretariat_admin_select on app.organisations for select to pat_secretariat_admin using (true);
grant select on app.organisations to pat_secretariat_analyst;
create policy organisation_read_secretariat_analyst_select on app.organisations for select to pat_secretariat_analyst using (true);
grant select on app.organisations to pat_auditor;
create policy organisation_read_auditor_select on app.organisations for select to pat_auditor using (true);
grant select on app.organisations to pat_destination_admin;
create policy organisation_read_destination_admin_select on app.organisations for select to pat_destination_admin using (id = (select substr(session_user::text, 5, 32)::uuid));
grant select on app.organisations to pat_destination_worker;
create policy organisation_read_destination_worker_select on app.organisations for select to pat_destination_worker using (id = (select substr(session_user::text, 5, 32)::uuid));
grant select on app.organisations to pat_funder;
create policy organisation_read_funder_select on app.organisations for select to pat_funder using (id = (select substr(session_user::text, 5, 32)::uuid));
grant select on app.organisations to pat_platform_operator;
create policy organisation_read_platform_operator_select on app.organisations for select to pat_platform_operator using (true);
grant select on app.organisations to pat_service;
create policy organisation_read_service_select on app.organisations for select to pat_service using (id = (select substr(session_user::text, 5, 32)::uuid));
grant select on app.places to pat_organisation_admin;
create policy place_read_organisation_admin_select on app.places for select to pat_organisation_admin using (true);
grant select on app.places to pat_case_manager;
create policy place_read_case_manager_select on app.places for select to pat_case_manager using (true);
grant select on app.places to pat_social_worker;
create policy place_read_social_worker_select on app.places for select to pat_social_worker using (true);
grant select on app.places to pat_counsellor;
create policy place_read_counsellor_select on app.places for select to pat_counsellor using (true);
grant select on app.places to pat_legal_aid;
create policy place_read_legal_aid_select on app.places for select to pat_legal_aid using (true);
grant select on app.places to pat_shg_facilitator;
create policy place_read_shg_facilitator_select on app.places for select to pat_shg_facilitator using (true);
grant select on app.places to pat_mis_focal;
create policy place_read_mis_focal_select on app.places for select to pat_mis_focal using (true);
grant select on app.places to pat_survivor;
create policy place_read_survivor_select on app.places for select to pat_survivor using (true);
grant select on app.places to pat_secretariat_admin;
create policy place_read_secretariat_admin_select on app.places for select to pat_secretariat_admin using (true);
grant select on app.places to pat_secretariat_analyst;
create policy place_read_secretariat_analyst_select on app.places for select to pat_secretariat_analyst using (true);
grant select on app.places to pat_auditor;
create policy place_read_auditor_select on app.places for select to pat_auditor using (true);
grant select on app.places to pat_destination_admin;
create policy place_read_destination_admin_select on app.places for select to pat_destination_admin using (true);
grant select on app.places to pat_destination_worker;
create policy place_read_destination_worker_select on app.places for select to pat_destination_worker using (true);
grant select on app.places to pat_funder;
create policy place_read_funder_select on app.places for select to pat_funder using (true);
grant select on app.places to pat_platform_operator;
create policy place_read_platform_operator_select on app.places for select to pat_platform_operator using (true);
grant select on app.places to pat_service;
create policy place_read_service_select on app.places for select to pat_service using (true);
create policy member_read_organisation_admin_select on app.memberships for select to pat_organisation_admin using (role <> 'survivor');
create policy member_read_case_manager_select on app.memberships for select to pat_case_manager using (role <> 'survivor');
create policy member_read_social_worker_select on app.memberships for select to pat_social_worker using (role <> 'survivor');
create policy member_read_counsellor_select on app.memberships for select to pat_counsellor using (role <> 'survivor');
create policy member_read_legal_aid_select on app.memberships for select to pat_legal_aid using (role <> 'survivor');
create policy member_read_shg_facilitator_select on app.memberships for select to pat_shg_facilitator using (role <> 'survivor');
create policy member_read_mis_focal_select on app.memberships for select to pat_mis_focal using (role <> 'survivor');
create policy member_read_secretariat_admin_select on app.memberships for select to pat_secretariat_admin using (role <> 'survivor');
create policy member_read_destination_admin_select on app.memberships for select to pat_destination_admin using (role <> 'survivor');
create policy member_read_destination_worker_select on app.memberships for select to pat_destination_worker using (role <> 'survivor');
create policy member_read_survivor_select on app.memberships for select to pat_survivor using (id in (select membership_id from app.case_assignments where survivor_id = (select sec.survivor()) and ended_at is null) and not (select sec.is_held()));
grant select on app.cases to pat_organisation_admin;
create policy case_read_organisation_admin_select on app.cases for select to pat_organisation_admin using (true);
grant select on app.cases to pat_case_manager;
create policy case_read_case_manager_select on app.cases for select to pat_case_manager using (true);
grant select on app.cases to pat_social_worker;
create policy case_read_social_worker_select on app.cases for select to pat_social_worker using (true);
grant select on app.cases to pat_counsellor;
create policy case_read_counsellor_select on app.cases for select to pat_counsellor using (id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.cases to pat_legal_aid;
create policy case_read_legal_aid_select on app.cases for select to pat_legal_aid using (id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.cases to pat_survivor;
create policy case_read_survivor_select on app.cases for select to pat_survivor using (survivor_id = (select sec.survivor()));
grant select on app.survivors to pat_organisation_admin;
create policy case_read_organisation_admin_select on app.survivors for select to pat_organisation_admin using (true);
grant select on app.survivors to pat_case_manager;
create policy case_read_case_manager_select on app.survivors for select to pat_case_manager using (true);
grant select on app.survivors to pat_social_worker;
create policy case_read_social_worker_select on app.survivors for select to pat_social_worker using (true);
grant select on app.survivors to pat_counsellor;
create policy case_read_counsellor_select on app.survivors for select to pat_counsellor using (id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.survivors to pat_legal_aid;
create policy case_read_legal_aid_select on app.survivors for select to pat_legal_aid using (id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.survivors to pat_survivor;
create policy case_read_survivor_select on app.survivors for select to pat_survivor using (id = (select sec.survivor()));
grant select on app.case_assignments to pat_organisation_admin;
create policy case_read_organisation_admin_select on app.case_assignments for select to pat_organisation_admin using (true);
grant select on app.case_assignments to pat_case_manager;
create policy case_read_case_manager_select on app.case_assignments for select to pat_case_manager using (true);
grant select on app.case_assignments to pat_social_worker;
create policy case_read_social_worker_select on app.case_assignments for select to pat_social_worker using (true);
grant select on app.case_assignments to pat_counsellor;
create policy case_read_counsellor_select on app.case_assignments for select to pat_counsellor using (membership_id = (select sec.membership()));
grant select on app.case_assignments to pat_legal_aid;
create policy case_read_legal_aid_select on app.case_assignments for select to pat_legal_aid using (membership_id = (select sec.membership()));
grant select on app.case_assignments to pat_survivor;
create policy case_read_survivor_select on app.case_assignments for select to pat_survivor using (survivor_id = (select sec.survivor()));
grant insert on app.survivors to pat_case_manager;
create policy case_open_case_manager_insert on app.survivors for insert to pat_case_manager with check (true);
grant insert on app.survivor_keys to pat_case_manager;
create policy case_open_case_manager_insert on app.survivor_keys for insert to pat_case_manager with check (true);
grant insert on app.survivor_identities to pat_case_manager;
create policy case_open_case_manager_insert on app.survivor_identities for insert to pat_case_manager with check (true);
grant insert on app.cases to pat_case_manager;
create policy case_open_case_manager_insert on app.cases for insert to pat_case_manager with check (true);
grant update (status, stage, risk_level, trafficking_status, exploitation, place_id, closed_on, version, updated_by, updated_at) on app.cases to pat_case_manager;
create policy case_update_case_manager_update on app.cases for update to pat_case_manager using (true);
grant update (status, stage, risk_level, trafficking_status, exploitation, place_id, closed_on, version, updated_by, updated_at) on app.cases to pat_social_worker;
create policy case_update_social_worker_update on app.cases for update to pat_social_worker using (id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant insert on app.case_assignments to pat_case_manager;
create policy case_assign_case_manager_insert on app.case_assignments for insert to pat_case_manager with check (true);
grant update (ended_at) on app.case_assignments to pat_case_manager;
create policy case_assign_case_manager_update on app.case_assignments for update to pat_case_manager using (ended_at is null) with check (true);
grant select on app.survivor_identities to pat_organisation_admin;
create policy identity_read_organisation_admin_select on app.survivor_identities for select to pat_organisation_admin using (true);
grant select on app.survivor_identities to pat_case_manager;
create policy identity_read_case_manager_select on app.survivor_identities for select to pat_case_manager using (true);
grant select on app.survivor_identities to pat_social_worker;
create policy identity_read_social_worker_select on app.survivor_identities for select to pat_social_worker using (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.survivor_identities to pat_counsellor;
create policy identity_read_counsellor_select on app.survivor_identities for select to pat_counsellor using (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.survivor_identities to pat_legal_aid;
create policy identity_read_legal_aid_select on app.survivor_identities for select to pat_legal_aid using (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.survivor_identities to pat_survivor;
create policy identity_read_survivor_select on app.survivor_identities for select to pat_survivor using (survivor_id = (select sec.survivor()));
grant select on app.survivor_keys to pat_organisation_admin;
create policy identity_read_organisation_admin_select on app.survivor_keys for select to pat_organisation_admin using (true);
grant select on app.survivor_keys to pat_case_manager;
create policy identity_read_case_manager_select on app.survivor_keys for select to pat_case_manager using (true);
grant select on app.survivor_keys to pat_social_worker;
create policy identity_read_social_worker_select on app.survivor_keys for select to pat_social_worker using (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.survivor_keys to pat_counsellor;
create policy identity_read_counsellor_select on app.survivor_keys for select to pat_counsellor using (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.survivor_keys to pat_legal_aid;
create policy identity_read_legal_aid_select on app.survivor_keys for select to pat_legal_aid using (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.survivor_keys to pat_survivor;
create policy identity_read_survivor_select on app.survivor_keys for select to pat_survivor using (survivor_id = (select sec.survivor()));
grant select on app.case_notes to pat_organisation_admin;
create policy note_read_organisation_admin_select on app.case_notes for select to pat_organisation_admin using (true);
grant select on app.case_notes to pat_case_manager;
create policy note_read_case_manager_select on app.case_notes for select to pat_case_manager using (true);
grant select on app.case_notes to pat_social_worker;
create policy note_read_social_worker_select on app.case_notes for select to pat_social_worker using (true);
grant select on app.case_note_texts to pat_organisation_admin;
create policy note_text_read_organisation_admin_select on app.case_note_texts for select to pat_organisation_admin using (true);
grant select on app.case_note_texts to pat_case_manager;
create policy note_text_read_case_manager_select on app.case_note_texts for select to pat_case_manager using (true);
grant select on app.case_note_texts to pat_social_worker;
create policy note_text_read_social_worker_select on app.case_note_texts for select to pat_social_worker using (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant insert on app.case_notes to pat_case_manager;
create policy note_add_case_manager_insert on app.case_notes for insert to pat_case_manager with check (true);
grant insert on app.case_notes to pat_social_worker;
create policy note_add_social_worker_insert on app.case_notes for insert to pat_social_worker with check (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant insert on app.case_note_texts to pat_case_manager;
create policy note_add_case_manager_insert on app.case_note_texts for insert to pat_case_manager with check (true);
grant insert on app.case_note_texts to pat_social_worker;
create policy note_add_social_worker_insert on app.case_note_texts for insert to pat_social_worker with check (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.legal_proceedings to pat_organisation_admin;
create policy proceeding_read_organisation_admin_select on app.legal_proceedings for select to pat_organisation_admin using (true);
grant select on app.legal_proceedings to pat_case_manager;
create policy proceeding_read_case_manager_select on app.legal_proceedings for select to pat_case_manager using (true);
grant select on app.legal_proceedings to pat_social_worker;
create policy proceeding_read_social_worker_select on app.legal_proceedings for select to pat_social_worker using (true);
grant select on app.legal_proceedings to pat_legal_aid;
create policy proceeding_read_legal_aid_select on app.legal_proceedings for select to pat_legal_aid using (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.legal_proceedings to pat_survivor;
create policy proceeding_read_survivor_select on app.legal_proceedings for select to pat_survivor using (survivor_id = (select sec.survivor()));
grant select on app.hearings to pat_organisation_admin;
create policy proceeding_read_organisation_admin_select on app.hearings for select to pat_organisation_admin using (true);
grant select on app.hearings to pat_case_manager;
create policy proceeding_read_case_manager_select on app.hearings for select to pat_case_manager using (true);
grant select on app.hearings to pat_social_worker;
create policy proceeding_read_social_worker_select on app.hearings for select to pat_social_worker using (true);
grant select on app.hearings to pat_legal_aid;
create policy proceeding_read_legal_aid_select on app.hearings for select to pat_legal_aid using (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.hearings to pat_survivor;
create policy proceeding_read_survivor_select on app.hearings for select to pat_survivor using (survivor_id = (select sec.survivor()) and not (select sec.is_held()));
grant insert on app.legal_proceedings to pat_case_manager;
create policy proceeding_record_case_manager_insert on app.legal_proceedings for insert to pat_case_manager with check (true);
grant insert on app.legal_proceedings to pat_social_worker;
create policy proceeding_record_social_worker_insert on app.legal_proceedings for insert to pat_social_worker with check (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant insert on app.legal_proceedings to pat_legal_aid;
create policy proceeding_record_legal_aid_insert on app.legal_proceedings for insert to pat_legal_aid with check (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant insert on app.hearings to pat_case_manager;
create policy proceeding_record_case_manager_insert on app.hearings for insert to pat_case_manager with check (true);
grant insert on app.hearings to pat_social_worker;
create policy proceeding_record_social_worker_insert on app.hearings for insert to pat_social_worker with check (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant insert on app.hearings to pat_legal_aid;
create policy proceeding_record_legal_aid_insert on app.hearings for insert to pat_legal_aid with check (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant update (state, court_point, remote_point, has_coordinator, support_person, interpreter_language, outcome, next_on, updated_by) on app.hearings to pat_case_manager;
create policy proceeding_record_case_manager_update on app.hearings for update to pat_case_manager using (state in ('SCHEDULED', 'VC_REQUESTED', 'VC_CONFIRMED', 'READY')) with check (true);
grant update (state, court_point, remote_point, has_coordinator, support_person, interpreter_language, outcome, next_on, updated_by) on app.hearings to pat_social_worker;
create policy proceeding_record_social_worker_update on app.hearings for update to pat_social_worker using (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null) and state in ('SCHEDULED', 'VC_REQUESTED', 'VC_CONFIRMED', 'READY')) with check (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant update (state, court_point, remote_point, has_coordinator, support_person, interpreter_language, outcome, next_on, updated_by) on app.hearings to pat_legal_aid;
create policy proceeding_record_legal_aid_update on app.hearings for update to pat_legal_aid using (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null) and state in ('SCHEDULED', 'VC_REQUESTED', 'VC_CONFIRMED', 'READY')) with check (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant insert (organisation_id, hearing_id, hearing_organisation_id, referral_id, case_id, survivor_id, remote_point, has_coordinator, support_person, updated_by, created_by) on app.hearing_confirmations to pat_case_manager;
create policy proceeding_record_case_manager_insert on app.hearing_confirmations for insert to pat_case_manager with check (exists (select from door.sent_hearings h join app.referrals r on r.received_id = h.referral_id join door.referral_states s on s.id = r.id where h.id = hearing_id and r.id = hearing_confirmations.referral_id and r.case_id = hearing_confirmations.case_id and r.to_organisation_id = hearing_organisation_id and s.status in ('ACCEPTED', 'IN_PROGRESS') and h.mode = 'VIDEO' and h.state in ('SCHEDULED', 'VC_REQUESTED', 'VC_CONFIRMED', 'READY')));
grant insert (organisation_id, hearing_id, hearing_organisation_id, referral_id, case_id, survivor_id, remote_point, has_coordinator, support_person, updated_by, created_by) on app.hearing_confirmations to pat_social_worker;
create policy proceeding_record_social_worker_insert on app.hearing_confirmations for insert to pat_social_worker with check (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null) and exists (select from door.sent_hearings h join app.referrals r on r.received_id = h.referral_id join door.referral_states s on s.id = r.id where h.id = hearing_id and r.id = hearing_confirmations.referral_id and r.case_id = hearing_confirmations.case_id and r.to_organisation_id = hearing_organisation_id and s.status in ('ACCEPTED', 'IN_PROGRESS') and h.mode = 'VIDEO' and h.state in ('SCHEDULED', 'VC_REQUESTED', 'VC_CONFIRMED', 'READY')));
grant insert (organisation_id, hearing_id, hearing_organisation_id, referral_id, case_id, survivor_id, remote_point, has_coordinator, support_person, updated_by, created_by) on app.hearing_confirmations to pat_legal_aid;
create policy proceeding_record_legal_aid_insert on app.hearing_confirmations for insert to pat_legal_aid with check (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null) and exists (select from door.sent_hearings h join app.referrals r on r.received_id = h.referral_id join door.referral_states s on s.id = r.id where h.id = hearing_id and r.id = hearing_confirmations.referral_id and r.case_id = hearing_confirmations.case_id and r.to_organisation_id = hearing_organisation_id and s.status in ('ACCEPTED', 'IN_PROGRESS') and h.mode = 'VIDEO' and h.state in ('SCHEDULED', 'VC_REQUESTED', 'VC_CONFIRMED', 'READY')));
grant update (remote_point, has_coordinator, support_person, updated_by) on app.hearing_confirmations to pat_case_manager;
create policy proceeding_record_case_manager_update on app.hearing_confirmations for update to pat_case_manager using (true) with check (exists (select from door.sent_hearings h join app.referrals r on r.received_id = h.referral_id join door.referral_states s on s.id = r.id where h.id = hearing_id and r.id = hearing_confirmations.referral_id and r.case_id = hearing_confirmations.case_id and r.to_organisation_id = hearing_organisation_id and s.status in ('ACCEPTED', 'IN_PROGRESS') and h.mode = 'VIDEO' and h.state in ('SCHEDULED', 'VC_REQUESTED', 'VC_CONFIRMED', 'READY')));
grant update (remote_point, has_coordinator, support_person, updated_by) on app.hearing_confirmations to pat_social_worker;
create policy proceeding_record_social_worker_update on app.hearing_confirmations for update to pat_social_worker using (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null)) with check (exists (select from door.sent_hearings h join app.referrals r on r.received_id = h.referral_id join door.referral_states s on s.id = r.id where h.id = hearing_id and r.id = hearing_confirmations.referral_id and r.case_id = hearing_confirmations.case_id and r.to_organisation_id = hearing_organisation_id and s.status in ('ACCEPTED', 'IN_PROGRESS') and h.mode = 'VIDEO' and h.state in ('SCHEDULED', 'VC_REQUESTED', 'VC_CONFIRMED', 'READY')));
grant update (remote_point, has_coordinator, support_person, updated_by) on app.hearing_confirmations to pat_legal_aid;
create policy proceeding_record_legal_aid_update on app.hearing_confirmations for update to pat_legal_aid using (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null)) with check (exists (select from door.sent_hearings h join app.referrals r on r.received_id = h.referral_id join door.referral_states s on s.id = r.id where h.id = hearing_id and r.id = hearing_confirmations.referral_id and r.case_id = hearing_confirmations.case_id and r.to_organisation_id = hearing_organisation_id and s.status in ('ACCEPTED', 'IN_PROGRESS') and h.mode = 'VIDEO' and h.state in ('SCHEDULED', 'VC_REQUESTED', 'VC_CONFIRMED', 'READY')));
grant select on app.self_help_groups to pat_organisation_admin;
create policy group_read_organisation_admin_select on app.self_help_groups for select to pat_organisation_admin using (true);
grant select on app.self_help_groups to pat_case_manager;
create policy group_read_case_manager_select on app.self_help_groups for select to pat_case_manager using (true);
grant select on app.self_help_groups to pat_social_worker;
create policy group_read_social_worker_select on app.self_help_groups for select to pat_social_worker using (true);
grant select on app.self_help_groups to pat_shg_facilitator;
create policy group_read_shg_facilitator_select on app.self_help_groups for select to pat_shg_facilitator using (true);
grant select on app.group_members to pat_organisation_admin;
create policy group_read_organisation_admin_select on app.group_members for select to pat_organisation_admin using (true);
grant select on app.group_members to pat_case_manager;
create policy group_read_case_manager_select on app.group_members for select to pat_case_manager using (true);
grant select on app.group_members to pat_social_worker;
create policy group_read_social_worker_select on app.group_members for select to pat_social_worker using (true);
grant select on app.group_members to pat_shg_facilitator;
create policy group_read_shg_facilitator_select on app.group_members for select to pat_shg_facilitator using (true);
grant select on app.group_entries to pat_organisation_admin;
create policy group_read_organisation_admin_select on app.group_entries for select to pat_organisation_admin using (true);
grant select on app.group_entries to pat_case_manager;
create policy group_read_case_manager_select on app.group_entries for select to pat_case_manager using (true);
grant select on app.group_entries to pat_social_worker;
create policy group_read_social_worker_select on app.group_entries for select to pat_social_worker using (true);
grant select on app.group_entries to pat_shg_facilitator;
create policy group_read_shg_facilitator_select on app.group_entries for select to pat_shg_facilitator using (true);
grant select on app.group_member_identities to pat_organisation_admin;
create policy group_member_read_organisation_admin_select on app.group_member_identities for select to pat_organisation_admin using (true);
grant select on app.group_member_identities to pat_case_manager;
create policy group_member_read_case_manager_select on app.group_member_identities for select to pat_case_manager using (true);
grant select on app.group_member_identities to pat_shg_facilitator;
create policy group_member_read_shg_facilitator_select on app.group_member_identities for select to pat_shg_facilitator using (true);
grant insert on app.self_help_groups to pat_shg_facilitator;
create policy group_record_shg_facilitator_insert on app.self_help_groups for insert to pat_shg_facilitator with check (true);
grant insert on app.group_members to pat_shg_facilitator;
create policy group_record_shg_facilitator_insert on app.group_members for insert to pat_shg_facilitator with check (true);
grant insert on app.group_member_identities to pat_shg_facilitator;
create policy group_record_shg_facilitator_insert on app.group_member_identities for insert to pat_shg_facilitator with check (true);
grant insert on app.group_entries to pat_shg_facilitator;
create policy group_record_shg_facilitator_insert on app.group_entries for insert to pat_shg_facilitator with check (true);
grant select on app.referrals to pat_organisation_admin;
create policy referral_read_organisation_admin_select on app.referrals for select to pat_organisation_admin using (true);
grant select on app.referrals to pat_case_manager;
create policy referral_read_case_manager_select on app.referrals for select to pat_case_manager using (true);
grant select on app.referrals to pat_social_worker;
create policy referral_read_social_worker_select on app.referrals for select to pat_social_worker using (true);
grant select on app.referrals to pat_legal_aid;
create policy referral_read_legal_aid_select on app.referrals for select to pat_legal_aid using (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.referrals to pat_survivor;
create policy referral_read_survivor_select on app.referrals for select to pat_survivor using (survivor_id = (select sec.survivor()));
grant select on app.referral_steps to pat_organisation_admin;
create policy referral_read_organisation_admin_select on app.referral_steps for select to pat_organisation_admin using (true);
grant select on app.referral_steps to pat_case_manager;
create policy referral_read_case_manager_select on app.referral_steps for select to pat_case_manager using (true);
grant select on app.referral_steps to pat_social_worker;
create policy referral_read_social_worker_select on app.referral_steps for select to pat_social_worker using (true);
grant select on app.referral_steps to pat_legal_aid;
create policy referral_read_legal_aid_select on app.referral_steps for select to pat_legal_aid using (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.referral_steps to pat_survivor;
create policy referral_read_survivor_select on app.referral_steps for select to pat_survivor using (survivor_id = (select sec.survivor()) and not (select sec.is_held()));

set role pat_door_referral;
grant select on door.received_steps to pat_destination_admin;
grant select on door.received_steps to pat_destination_worker;

set role pat_owner;
grant select on app.referral_answers to pat_destination_admin;
create policy referral_read_destination_admin_select on app.referral_answers for select to pat_destination_admin using (true);
grant select on app.referral_answers to pat_destination_worker;
create policy referral_read_destination_worker_select on app.referral_answers for select to pat_destination_worker using (true);
grant select on app.referral_hearings to pat_destination_admin;
create policy referral_read_destination_admin_select on app.referral_hearings for select to pat_destination_admin using (true);
grant select on app.referral_hearings to pat_destination_worker;
create policy referral_read_destination_worker_select on app.referral_hearings for select to pat_destination_worker using (true);
grant select on app.referral_updates to pat_destination_admin;
create policy referral_read_destination_admin_select on app.referral_updates for select to pat_destination_admin using (true);
grant select on app.referral_updates to pat_destination_worker;
create policy referral_read_destination_worker_select on app.referral_updates for select to pat_destination_worker using (true);
grant select on app.referral_assignments to pat_destination_admin;
create policy referral_read_destination_admin_select on app.referral_assignments for select to pat_destination_admin using (true);
grant select on app.referral_assignments to pat_destination_worker;
create policy referral_read_destination_worker_select on app.referral_assignments for select to pat_destination_worker using (true);
grant select on app.hearing_confirmations to pat_organisation_admin;
create policy referral_read_organisation_admin_select on app.hearing_confirmations for select to pat_organisation_admin using (true);
grant select on app.hearing_confirmations to pat_case_manager;
create policy referral_read_case_manager_select on app.hearing_confirmations for select to pat_case_manager using (true);
grant select on app.hearing_confirmations to pat_social_worker;
create policy referral_read_social_worker_select on app.hearing_confirmations for select to pat_social_worker using (true);
grant select on app.hearing_confirmations to pat_legal_aid;
create policy referral_read_legal_aid_select on app.hearing_confirmations for select to pat_legal_aid using (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.hearing_confirmations to pat_survivor;
create policy referral_read_survivor_select on app.hearing_confirmations for select to pat_survivor using (survivor_id = (select sec.survivor()) and not (select sec.is_held()));
grant select on app.referral_changes to pat_organisation_admin;
create policy referral_read_organisation_admin_select on app.referral_changes for select to pat_organisation_admin using (true);
grant select on app.referral_changes to pat_case_manager;
create policy referral_read_case_manager_select on app.referral_changes for select to pat_case_manager using (true);
grant select on app.referral_changes to pat_social_worker;
create policy referral_read_social_worker_select on app.referral_changes for select to pat_social_worker using (true);
grant select on app.referral_changes to pat_legal_aid;
create policy referral_read_legal_aid_select on app.referral_changes for select to pat_legal_aid using (case_id in (select case_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.referral_changes to pat_survivor;
create policy referral_read_survivor_select on app.referral_changes for select to pat_survivor using (survivor_id = (select sec.survivor()));
grant select on app.referral_changes to pat_destination_admin;
create policy referral_read_destination_admin_select on app.referral_changes for select to pat_destination_admin using ((select d.id from door.received_referrals d where d.id = referral_id and (not is_of_hearings or 'HEARING_SCHEDULE' = any (d.scopes)) limit 1) is not null);
grant select on app.referral_changes to pat_destination_worker;
create policy referral_read_destination_worker_select on app.referral_changes for select to pat_destination_worker using ((select d.id from door.received_referrals d where d.id = referral_id and (not is_of_hearings or 'HEARING_SCHEDULE' = any (d.scopes)) limit 1) is not null);

set role pat_door_referral;
grant select on door.referral_states to pat_organisation_admin;
grant select on door.referral_states to pat_case_manager;
grant select on door.referral_states to pat_social_worker;
grant select on door.referral_states to pat_legal_aid;
grant select on door.referral_states to pat_survivor;
grant select on door.sent_answers to pat_organisation_admin;
grant select on door.sent_answers to pat_case_manager;
grant select on door.sent_answers to pat_social_worker;
grant select on door.sent_answers to pat_legal_aid;
grant select on door.sent_answers to pat_survivor;
grant select on door.sent_hearings to pat_organisation_admin;
grant select on door.sent_hearings to pat_case_manager;
grant select on door.sent_hearings to pat_social_worker;
grant select on door.sent_hearings to pat_legal_aid;
grant select on door.sent_hearings to pat_survivor;
grant select on door.sent_updates to pat_organisation_admin;
grant select on door.sent_updates to pat_case_manager;
grant select on door.sent_updates to pat_social_worker;
grant select on door.sent_updates to pat_legal_aid;
grant select on door.sent_updates to pat_survivor;
grant select on door.received_referrals to pat_destination_admin;
grant select on door.received_referrals to pat_destination_worker;
grant select on door.received_proceedings to pat_destination_admin;
grant select on door.received_proceedings to pat_destination_worker;
grant select on door.received_hearings to pat_destination_admin;
grant select on door.received_hearings to pat_destination_worker;
grant select on door.received_confirmations to pat_destination_admin;
grant select on door.received_confirmations to pat_destination_worker;
grant select on door.received_support to pat_destination_admin;
grant select on door.received_support to pat_destination_worker;
grant select on door.received_cases to pat_destination_admin;
grant select on door.received_cases to pat_destination_worker;
grant select on door.received_identities to pat_destination_admin;
grant select on door.received_identities to pat_destination_worker;
grant select on door.received_contacts to pat_destination_admin;
grant select on door.received_contacts to pat_destination_worker;

set role pat_owner;
grant insert on app.referrals to pat_case_manager;
create policy referral_send_case_manager_insert on app.referrals for insert to pat_case_manager with check (true);
grant update (state, scopes, consent_id, basis_id, agreed_until, sent_at, ended_at, reason) on app.referrals to pat_case_manager;
create policy referral_send_case_manager_update on app.referrals for update to pat_case_manager using (true);
grant insert on app.referral_answers to pat_destination_admin;
create policy referral_answer_destination_admin_insert on app.referral_answers for insert to pat_destination_admin with check (app.received_status(referral_organisation_id, referral_id) in ('SENT', 'ACCEPTED', 'IN_PROGRESS'));
grant insert on app.referral_answers to pat_destination_worker;
create policy referral_answer_destination_worker_insert on app.referral_answers for insert to pat_destination_worker with check (app.received_status(referral_organisation_id, referral_id) in ('SENT', 'ACCEPTED', 'IN_PROGRESS'));
grant insert on app.referral_hearings to pat_destination_admin;
create policy referral_answer_destination_admin_insert on app.referral_hearings for insert to pat_destination_admin with check (app.received_status(referral_organisation_id, referral_id) in ('ACCEPTED', 'IN_PROGRESS') and exists (select from door.received_referrals d where d.from_organisation_id = referral_organisation_id and d.id = referral_id and 'HEARING_SCHEDULE' = any(d.scopes)));
grant insert on app.referral_hearings to pat_destination_worker;
create policy referral_answer_destination_worker_insert on app.referral_hearings for insert to pat_destination_worker with check (app.received_status(referral_organisation_id, referral_id) in ('ACCEPTED', 'IN_PROGRESS') and exists (select from door.received_referrals d where d.from_organisation_id = referral_organisation_id and d.id = referral_id and 'HEARING_SCHEDULE' = any(d.scopes)));
grant update (state, court_point, remote_point, has_coordinator, support_person, interpreter_language, outcome, next_on, updated_by) on app.referral_hearings to pat_destination_admin;
create policy referral_answer_destination_admin_update on app.referral_hearings for update to pat_destination_admin using (state in ('SCHEDULED', 'VC_REQUESTED', 'VC_CONFIRMED', 'READY')) with check (app.received_status(referral_organisation_id, referral_id) in ('ACCEPTED', 'IN_PROGRESS') and exists (select from door.received_referrals d where d.from_organisation_id = referral_organisation_id and d.id = referral_id and 'HEARING_SCHEDULE' = any(d.scopes)));
grant update (state, court_point, remote_point, has_coordinator, support_person, interpreter_language, outcome, next_on, updated_by) on app.referral_hearings to pat_destination_worker;
create policy referral_answer_destination_worker_update on app.referral_hearings for update to pat_destination_worker using (state in ('SCHEDULED', 'VC_REQUESTED', 'VC_CONFIRMED', 'READY')) with check (app.received_status(referral_organisation_id, referral_id) in ('ACCEPTED', 'IN_PROGRESS') and exists (select from door.received_referrals d where d.from_organisation_id = referral_organisation_id and d.id = referral_id and 'HEARING_SCHEDULE' = any(d.scopes)));
grant insert (organisation_id, id, referral_organisation_id, referral_id, created_by, kind, happened_on) on app.referral_updates to pat_destination_admin;
create policy referral_answer_destination_admin_insert on app.referral_updates for insert to pat_destination_admin with check (app.received_status(referral_organisation_id, referral_id) in ('ACCEPTED', 'IN_PROGRESS'));
grant insert (organisation_id, id, referral_organisation_id, referral_id, created_by, kind, happened_on) on app.referral_updates to pat_destination_worker;
create policy referral_answer_destination_worker_insert on app.referral_updates for insert to pat_destination_worker with check (app.received_status(referral_organisation_id, referral_id) in ('ACCEPTED', 'IN_PROGRESS'));
grant insert (organisation_id, id, referral_organisation_id, referral_id, created_by, membership_id) on app.referral_assignments to pat_destination_admin;
create policy referral_answer_destination_admin_insert on app.referral_assignments for insert to pat_destination_admin with check (app.received_status(referral_organisation_id, referral_id) in ('SENT', 'ACCEPTED', 'IN_PROGRESS') and (membership_id is null or membership_id in (select m.id from app.memberships m where m.role in ('destination_admin', 'destination_worker') and m.ended_at is null)));
grant insert (organisation_id, id, referral_organisation_id, referral_id, created_by, membership_id) on app.referral_assignments to pat_destination_worker;
create policy referral_answer_destination_worker_insert on app.referral_assignments for insert to pat_destination_worker with check (app.received_status(referral_organisation_id, referral_id) in ('SENT', 'ACCEPTED', 'IN_PROGRESS') and membership_id = (select sec.membership()));

set role pat_door_network_referrals;
grant select on door.network_referrals to pat_secretariat_admin;
grant select on door.network_referrals to pat_secretariat_analyst;
grant select on door.network_referrals to pat_auditor;

set role pat_door_referral;
grant select on door.agreements to pat_organisation_admin;
grant select on door.agreements to pat_case_manager;
grant select on door.agreements to pat_social_worker;
grant select on door.agreements to pat_legal_aid;
grant select on door.agreements to pat_destination_admin;
grant select on door.agreements to pat_destination_worker;

set role pat_owner;
grant select on app.agreements to pat_organisation_admin;
create policy agreement_sign_organisation_admin_select on app.agreements for select to pat_organisation_admin using (true);
grant select on app.agreements to pat_destination_admin;
create policy agreement_sign_destination_admin_select on app.agreements for select to pat_destination_admin using (true);
grant insert on app.agreements to pat_organisation_admin;
create policy agreement_sign_organisation_admin_insert on app.agreements for insert to pat_organisation_admin with check (true);
grant insert on app.agreements to pat_destination_admin;
create policy agreement_sign_destination_admin_insert on app.agreements for insert to pat_destination_admin with check (true);
grant update (scopes, valid_from, valid_until, suspended_at, updated_by, updated_at) on app.agreements to pat_organisation_admin;
create policy agreement_sign_organisation_admin_update on app.agreements for update to pat_organisation_admin using (true);
grant update (scopes, valid_from, valid_until, suspended_at, updated_by, updated_at) on app.agreements to pat_destination_admin;
create policy agreement_sign_destination_admin_update on app.agreements for update to pat_destination_admin using (true);
grant update (suspended_at, updated_by, updated_at) on app.agreements to pat_organisation_admin;
grant update (suspended_at, updated_by, updated_at) on app.agreements to pat_destination_admin;
grant select on app.partner_suspensions to pat_secretariat_admin;
create policy suspension_read_secretariat_admin_select on app.partner_suspensions for select to pat_secretariat_admin using (true);
grant select on app.partner_suspensions to pat_auditor;
create policy suspension_read_auditor_select on app.partner_suspensions for select to pat_auditor using (true);

set role pat_door_referral;
grant select on door.our_suspensions to pat_organisation_admin;
grant select on door.our_suspensions to pat_destination_admin;

set role pat_owner;
grant insert (organisation_id, id, partner_id, reason, created_by) on app.partner_suspensions to pat_secretariat_admin;
create policy partner_suspend_secretariat_admin_insert on app.partner_suspensions for insert to pat_secretariat_admin with check (true);
grant update (lifted_at, updated_by) on app.partner_suspensions to pat_secretariat_admin;
create policy partner_resume_secretariat_admin_update on app.partner_suspensions for update to pat_secretariat_admin using (lifted_at is null) with check (true);
grant select on app.consents to pat_organisation_admin;
create policy consent_read_organisation_admin_select on app.consents for select to pat_organisation_admin using (true);
grant select on app.consents to pat_case_manager;
create policy consent_read_case_manager_select on app.consents for select to pat_case_manager using (true);
grant select on app.consents to pat_social_worker;
create policy consent_read_social_worker_select on app.consents for select to pat_social_worker using (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.consents to pat_legal_aid;
create policy consent_read_legal_aid_select on app.consents for select to pat_legal_aid using (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.consents to pat_survivor;
create policy consent_read_survivor_select on app.consents for select to pat_survivor using (survivor_id = (select sec.survivor()));
grant select on app.consent_withdrawals to pat_organisation_admin;
create policy consent_read_organisation_admin_select on app.consent_withdrawals for select to pat_organisation_admin using (true);
grant select on app.consent_withdrawals to pat_case_manager;
create policy consent_read_case_manager_select on app.consent_withdrawals for select to pat_case_manager using (true);
grant select on app.consent_withdrawals to pat_social_worker;
create policy consent_read_social_worker_select on app.consent_withdrawals for select to pat_social_worker using (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.consent_withdrawals to pat_legal_aid;
create policy consent_read_legal_aid_select on app.consent_withdrawals for select to pat_legal_aid using (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.consent_withdrawals to pat_survivor;
create policy consent_read_survivor_select on app.consent_withdrawals for select to pat_survivor using (survivor_id = (select sec.survivor()));
grant insert on app.consents to pat_survivor;
create policy consent_give_survivor_insert on app.consents for insert to pat_survivor with check (survivor_id = (select sec.survivor()) and giver = 'SELF' and mode = 'APP');
grant select on app.barred_guardians to pat_case_manager;
create policy consent_record_case_manager_select on app.barred_guardians for select to pat_case_manager using (true);
grant select on app.barred_guardians to pat_social_worker;
create policy consent_record_social_worker_select on app.barred_guardians for select to pat_social_worker using (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant insert on app.consents to pat_case_manager;
create policy consent_record_case_manager_insert on app.consents for insert to pat_case_manager with check (mode <> 'APP');
grant insert on app.consents to pat_social_worker;
create policy consent_record_social_worker_insert on app.consents for insert to pat_social_worker with check (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null) and mode <> 'APP');
grant insert on app.consent_withdrawals to pat_case_manager;
create policy consent_withdraw_case_manager_insert on app.consent_withdrawals for insert to pat_case_manager with check (true);
grant insert on app.consent_withdrawals to pat_social_worker;
create policy consent_withdraw_social_worker_insert on app.consent_withdrawals for insert to pat_social_worker with check (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant insert on app.consent_withdrawals to pat_survivor;
create policy consent_withdraw_survivor_insert on app.consent_withdrawals for insert to pat_survivor with check (survivor_id = (select sec.survivor()));
grant insert (organisation_id, id, survivor_id, kind, is_raised) on app.alerts to pat_case_manager;
create policy consent_withdraw_case_manager_insert on app.alerts for insert to pat_case_manager with check (is_raised);
grant insert (organisation_id, id, survivor_id, kind, is_raised) on app.alerts to pat_social_worker;
create policy consent_withdraw_social_worker_insert on app.alerts for insert to pat_social_worker with check (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant insert (organisation_id, id, survivor_id, kind, is_raised) on app.alerts to pat_survivor;
create policy consent_withdraw_survivor_insert on app.alerts for insert to pat_survivor with check (survivor_id = (select sec.survivor()));
grant insert on app.barred_guardians to pat_case_manager;
create policy guardian_bar_case_manager_insert on app.barred_guardians for insert to pat_case_manager with check (true);
grant insert on app.barred_guardians to pat_social_worker;
create policy guardian_bar_social_worker_insert on app.barred_guardians for insert to pat_social_worker with check (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.legal_bases to pat_organisation_admin;
create policy basis_read_organisation_admin_select on app.legal_bases for select to pat_organisation_admin using (true);
grant select on app.legal_bases to pat_case_manager;
create policy basis_read_case_manager_select on app.legal_bases for select to pat_case_manager using (true);
grant select on app.legal_bases to pat_social_worker;
create policy basis_read_social_worker_select on app.legal_bases for select to pat_social_worker using (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.legal_bases to pat_legal_aid;
create policy basis_read_legal_aid_select on app.legal_bases for select to pat_legal_aid using (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant select on app.legal_bases to pat_survivor;
create policy basis_read_survivor_select on app.legal_bases for select to pat_survivor using (survivor_id = (select sec.survivor()));
grant select on app.legal_basis_reasons to pat_organisation_admin;
create policy basis_reason_read_organisation_admin_select on app.legal_basis_reasons for select to pat_organisation_admin using (true);
grant select on app.legal_basis_reasons to pat_case_manager;
create policy basis_reason_read_case_manager_select on app.legal_basis_reasons for select to pat_case_manager using (true);
grant insert (organisation_id, id, survivor_id, recipient_id, purpose, kind, scopes, reference, valid_until, created_by) on app.legal_bases to pat_case_manager;
create policy basis_record_case_manager_insert on app.legal_bases for insert to pat_case_manager with check (true);
grant insert on app.legal_basis_reasons to pat_case_manager;
create policy basis_record_case_manager_insert on app.legal_basis_reasons for insert to pat_case_manager with check (true);
grant update (approved_by) on app.legal_bases to pat_organisation_admin;
create policy basis_approve_organisation_admin_update on app.legal_bases for update to pat_organisation_admin using (true);
grant update (approved_by) on app.legal_bases to pat_case_manager;
create policy basis_approve_case_manager_update on app.legal_bases for update to pat_case_manager using (true);
grant update (ended_by) on app.legal_bases to pat_organisation_admin;
grant update (ended_by) on app.legal_bases to pat_case_manager;
grant update (reviewed_by, review) on app.legal_bases to pat_organisation_admin;
grant select (organisation_id, id, survivor_id, created_at, kind, is_raised) on app.alerts to pat_case_manager;
create policy alert_read_case_manager_select on app.alerts for select to pat_case_manager using (is_raised);
grant select on app.alert_closings to pat_case_manager;
create policy alert_read_case_manager_select on app.alert_closings for select to pat_case_manager using (alert_id in (select id from app.alerts));
grant insert (organisation_id, alert_id, because, created_by) on app.alert_closings to pat_case_manager;
create policy alert_close_case_manager_insert on app.alert_closings for insert to pat_case_manager with check (alert_id in (select id from app.alerts));

set role pat_door_trail;
grant select on door.organisation_events to pat_organisation_admin;
grant select on door.organisation_events to pat_destination_admin;
grant select on door.own_events to pat_case_manager;
grant select on door.own_events to pat_social_worker;
grant select on door.own_events to pat_counsellor;
grant select on door.own_events to pat_legal_aid;
grant select on door.own_events to pat_shg_facilitator;
grant select on door.own_events to pat_mis_focal;
grant select on door.own_events to pat_destination_worker;

set role pat_door_network_trail;
grant select on door.network_events to pat_secretariat_admin;
grant select on door.network_events to pat_auditor;

set role pat_door_access;
grant select on door.partner_events to pat_organisation_admin;
grant select on door.partner_events to pat_case_manager;
grant select on door.access_log to pat_survivor;

set role pat_owner;
grant select on app.safety_holds to pat_organisation_admin;
create policy safety_hold_read_organisation_admin_select on app.safety_holds for select to pat_organisation_admin using (true);
grant select on app.safety_holds to pat_case_manager;
create policy safety_hold_read_case_manager_select on app.safety_holds for select to pat_case_manager using (true);
grant select on app.safety_holds to pat_social_worker;
create policy safety_hold_read_social_worker_select on app.safety_holds for select to pat_social_worker using (survivor_id in (select survivor_id from app.case_assignments where membership_id = (select sec.membership()) and ended_at is null));
grant insert (organisation_id, id, survivor_id, created_by) on app.safety_holds to pat_case_manager;
create policy safety_hold_set_case_manager_insert on app.safety_holds for insert to pat_case_manager with check (true);
grant update (lifted_at, updated_by) on app.safety_holds to pat_case_manager;
create policy safety_hold_set_case_manager_update on app.safety_holds for update to pat_case_manager using (lifted_at is null) with check (true);
grant select on app.clients to pat_organisation_admin;
create policy client_read_organisation_admin_select on app.clients for select to pat_organisation_admin using (true);
grant select on app.clients to pat_secretariat_admin;
create policy client_read_secretariat_admin_select on app.clients for select to pat_secretariat_admin using (true);
grant select on app.clients to pat_destination_admin;
create policy client_read_destination_admin_select on app.clients for select to pat_destination_admin using (true);
grant select on app.client_keys to pat_organisation_admin;
create policy client_read_organisation_admin_select on app.client_keys for select to pat_organisation_admin using (true);
grant select on app.client_keys to pat_secretariat_admin;
create policy client_read_secretariat_admin_select on app.client_keys for select to pat_secretariat_admin using (true);
grant select on app.client_keys to pat_destination_admin;
create policy client_read_destination_admin_select on app.client_keys for select to pat_destination_admin using (true);
grant insert (organisation_id, kind, name, redirect_uris, logout_uris, origins, scopes, created_by, updated_by) on app.clients to pat_organisation_admin;
create policy client_register_organisation_admin_insert on app.clients for insert to pat_organisation_admin with check (serves = 'ORGANISATION');
grant insert (organisation_id, kind, name, redirect_uris, logout_uris, origins, scopes, created_by, updated_by) on app.clients to pat_secretariat_admin;
create policy client_register_secretariat_admin_insert on app.clients for insert to pat_secretariat_admin with check (serves = 'ORGANISATION');
grant insert (organisation_id, kind, name, redirect_uris, logout_uris, origins, scopes, created_by, updated_by) on app.clients to pat_destination_admin;
create policy client_register_destination_admin_insert on app.clients for insert to pat_destination_admin with check (serves = 'ORGANISATION');
grant update (name, redirect_uris, logout_uris, origins, scopes, version, updated_by, updated_at, disabled_at) on app.clients to pat_organisation_admin;
create policy client_register_organisation_admin_update on app.clients for update to pat_organisation_admin using (disabled_at is null) with check (serves = 'ORGANISATION');
grant update (name, redirect_uris, logout_uris, origins, scopes, version, updated_by, updated_at, disabled_at) on app.clients to pat_secretariat_admin;
create policy client_register_secretariat_admin_update on app.clients for update to pat_secretariat_admin using (disabled_at is null) with check (serves = 'ORGANISATION');
grant update (name, redirect_uris, logout_uris, origins, scopes, version, updated_by, updated_at, disabled_at) on app.clients to pat_destination_admin;
create policy client_register_destination_admin_update on app.clients for update to pat_destination_admin using (disabled_at is null) with check (serves = 'ORGANISATION');
grant insert on app.client_keys to pat_organisation_admin;
create policy client_register_organisation_admin_insert on app.client_keys for insert to pat_organisation_admin with check (client_id in (select id from app.clients where serves = 'ORGANISATION'));
grant insert on app.client_keys to pat_secretariat_admin;
create policy client_register_secretariat_admin_insert on app.client_keys for insert to pat_secretariat_admin with check (client_id in (select id from app.clients where serves = 'ORGANISATION'));
grant insert on app.client_keys to pat_destination_admin;
create policy client_register_destination_admin_insert on app.client_keys for insert to pat_destination_admin with check (client_id in (select id from app.clients where serves = 'ORGANISATION'));
grant update (retired_at) on app.client_keys to pat_organisation_admin;
create policy client_register_organisation_admin_update on app.client_keys for update to pat_organisation_admin using (retired_at is null) with check (client_id in (select id from app.clients where serves = 'ORGANISATION'));
grant update (retired_at) on app.client_keys to pat_secretariat_admin;
create policy client_register_secretariat_admin_update on app.client_keys for update to pat_secretariat_admin using (retired_at is null) with check (client_id in (select id from app.clients where serves = 'ORGANISATION'));
grant update (retired_at) on app.client_keys to pat_destination_admin;
create policy client_register_destination_admin_update on app.client_keys for update to pat_destination_admin using (retired_at is null) with check (client_id in (select id from app.clients where serves = 'ORGANISATION'));
grant select (organisation_id, id, email, name, role, expires_at, created_by, created_at, taken_up_at, withdrawn_at) on app.invitations to pat_organisation_admin;
create policy invitation_read_organisation_admin_select on app.invitations for select to pat_organisation_admin using (true);
grant select (organisation_id, id, email, name, role, expires_at, created_by, created_at, taken_up_at, withdrawn_at) on app.invitations to pat_secretariat_admin;
create policy invitation_read_secretariat_admin_select on app.invitations for select to pat_secretariat_admin using (true);
grant select (organisation_id, id, email, name, role, expires_at, created_by, created_at, taken_up_at, withdrawn_at) on app.invitations to pat_destination_admin;
create policy invitation_read_destination_admin_select on app.invitations for select to pat_destination_admin using (true);
grant insert (organisation_id, id, email, name, role, expires_at, created_by, token_hash) on app.invitations to pat_organisation_admin;
create policy member_invite_organisation_admin_insert on app.invitations for insert to pat_organisation_admin with check (true);
grant insert (organisation_id, id, email, name, role, expires_at, created_by, token_hash) on app.invitations to pat_secretariat_admin;
create policy member_invite_secretariat_admin_insert on app.invitations for insert to pat_secretariat_admin with check (true);
grant insert (organisation_id, id, email, name, role, expires_at, created_by, token_hash) on app.invitations to pat_destination_admin;
create policy member_invite_destination_admin_insert on app.invitations for insert to pat_destination_admin with check (true);
grant update (withdrawn_at) on app.invitations to pat_organisation_admin;
create policy member_invite_organisation_admin_update on app.invitations for update to pat_organisation_admin using (taken_up_at is null and withdrawn_at is null) with check (true);
grant update (withdrawn_at) on app.invitations to pat_secretariat_admin;
create policy member_invite_secretariat_admin_update on app.invitations for update to pat_secretariat_admin using (taken_up_at is null and withdrawn_at is null) with check (true);
grant update (withdrawn_at) on app.invitations to pat_destination_admin;
create policy member_invite_destination_admin_update on app.invitations for update to pat_destination_admin using (taken_up_at is null and withdrawn_at is null) with check (true);
alter table app.transitions no force row level security;
delete from app.transitions;
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'DRAFT', 'CONSENT_RECORDED', 'referral:send', 'CONSENT', array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'CONSENT_RECORDED', 'SENT', 'referral:send', 'TERMS', array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'SENT', 'ACCEPTED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'SENT', 'DECLINED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'ACCEPTED', 'IN_PROGRESS', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'ACCEPTED', 'COMPLETED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'IN_PROGRESS', 'COMPLETED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'SENT', 'SUSPENDED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'ACCEPTED', 'SUSPENDED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'IN_PROGRESS', 'SUSPENDED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'SUSPENDED', 'SUSPENDED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'EXPIRED', 'SUSPENDED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'REVOKED', 'SUSPENDED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'SUSPENDED', 'SENT', 'referral:send', 'TERMS', array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'SENT', 'REVOKED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'ACCEPTED', 'REVOKED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'IN_PROGRESS', 'REVOKED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'SUSPENDED', 'REVOKED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'EXPIRED', 'REVOKED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'REVOKED', 'REVOKED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'SENT', 'CLOSED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'ACCEPTED', 'CLOSED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'IN_PROGRESS', 'CLOSED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'DECLINED', 'CLOSED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'COMPLETED', 'CLOSED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'EXPIRED', 'CLOSED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral', 'REVOKED', 'CLOSED', 'referral:send', null, array['case_manager']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'SCHEDULED', 'VC_REQUESTED', 'proceeding:record', 'VIDEO', array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'VC_REQUESTED', 'VC_CONFIRMED', 'proceeding:record', 'LINK', array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'VC_CONFIRMED', 'READY', 'proceeding:record', 'SUPPORT', array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'SCHEDULED', 'READY', 'proceeding:record', 'ROOM', array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'READY', 'HELD', 'proceeding:record', null, array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'SCHEDULED', 'ADJOURNED', 'proceeding:record', null, array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'SCHEDULED', 'MISSED', 'proceeding:record', null, array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'SCHEDULED', 'CANCELLED', 'proceeding:record', null, array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'VC_REQUESTED', 'ADJOURNED', 'proceeding:record', null, array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'VC_REQUESTED', 'MISSED', 'proceeding:record', null, array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'VC_REQUESTED', 'CANCELLED', 'proceeding:record', null, array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'VC_CONFIRMED', 'ADJOURNED', 'proceeding:record', null, array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'VC_CONFIRMED', 'MISSED', 'proceeding:record', null, array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'VC_CONFIRMED', 'CANCELLED', 'proceeding:record', null, array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'READY', 'ADJOURNED', 'proceeding:record', null, array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'READY', 'MISSED', 'proceeding:record', null, array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('hearing', 'READY', 'CANCELLED', 'proceeding:record', null, array['case_manager', 'social_worker', 'legal_aid']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'SCHEDULED', 'VC_REQUESTED', 'referral:answer', 'VIDEO', array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'VC_REQUESTED', 'VC_CONFIRMED', 'referral:answer', 'LINK_CONFIRMED', array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'VC_CONFIRMED', 'READY', 'referral:answer', 'SUPPORT_CONFIRMED', array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'SCHEDULED', 'READY', 'referral:answer', 'ROOM', array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'READY', 'HELD', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'SCHEDULED', 'ADJOURNED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'SCHEDULED', 'MISSED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'SCHEDULED', 'CANCELLED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'VC_REQUESTED', 'ADJOURNED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'VC_REQUESTED', 'MISSED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'VC_REQUESTED', 'CANCELLED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'VC_CONFIRMED', 'ADJOURNED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'VC_CONFIRMED', 'MISSED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'VC_CONFIRMED', 'CANCELLED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'READY', 'ADJOURNED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'READY', 'MISSED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
insert into app.transitions (noun, from_state, to_state, permission, guard, roles) values ('referral_hearing', 'READY', 'CANCELLED', 'referral:answer', null, array['destination_admin', 'destination_worker']);
alter table app.transitions force row level security;
reset role;
