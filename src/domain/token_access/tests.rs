//! The table of what a token reaches, by its state; and what holds for every token.

use entity::organization::BaseLevel;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain;

fn at(days: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap() + TimeDelta::days(days)
}

/// A token that is all right, with everything that it depends on.
#[derive(Debug)]
struct Case {
    token: Token,
    policy: organization::Model,
    granted: Granted,
    owner: Owner,
    catalog: Catalog,
}

impl Case {
    fn new(kind: TokenKind) -> Self {
        let permission = |name: &str, level| Permission {
            target: PermissionTarget::Repository,
            name: name.to_owned(),
            level,
        };
        Self {
            token: Token {
                kind,
                issued_at: at(0),
                expires_at: Some(at(30)),
                revoked_at: None,
                scopes: vec!["repo".to_owned()],
            },
            policy: domain::organization::usual(Uuid::nil(), "contoso".into(), "Contoso".into(), at(-9)),
            granted: Granted {
                state: GrantState::Active,
                selection: RepositorySelection::All,
                permissions: vec![
                    permission("contents", AccessLevel::Write),
                    permission("secrets", AccessLevel::Write),
                ],
            },
            owner: Owner { is_active: true, is_member: true, in_organization: None },
            catalog: Catalog::default(),
        }
    }

    fn judge(&self) -> Judge<'_> {
        Judge {
            token: &self.token,
            policy: &self.policy,
            granted: &self.granted,
            owner: self.owner,
            catalog: &self.catalog,
            now: at(10),
        }
    }

    /// Private, public read, public write: allowed, or what forbids it.
    fn reaches(&self) -> [Option<Obstacle>; 3] {
        let contents = self.catalog.find(PermissionTarget::Repository, "contents").unwrap();
        let reach = |visibility, level| {
            let reached =
                Reached { visibility, given: Some(AccessLevel::Write), is_named: false, exists: true };
            self.judge().decide(contents, level, Target::Repository(reached)).err()
        };
        [
            reach(Visibility::Private, AccessLevel::Read),
            reach(Visibility::Public, AccessLevel::Read),
            reach(Visibility::Public, AccessLevel::Write),
        ]
    }
}

#[test]
fn what_a_token_reaches_by_its_state() {
    use Obstacle::{Approval, Expiry, Grant, OwnerStanding, Policy, Repository};
    type Make = fn(&mut Case);
    /// What stands against private reads, public reads and public writes.
    type Expected = [Option<Obstacle>; 3];
    let but_public = |obstacle| [Some(obstacle), None, Some(obstacle)];
    let fine_grained: [(&str, Make, Expected); 17] = [
        ("approved", |_| {}, [None; 3]),
        ("pending", |case| case.granted.state = GrantState::Pending, but_public(Approval)),
        ("denied", |case| case.granted.state = GrantState::Denied, but_public(Approval)),
        ("never asked for", |case| case.granted.state = GrantState::None, but_public(Approval)),
        (
            "never asked for, approval not required",
            |case| {
                case.granted.state = GrantState::None;
                case.policy.token_approval_required = false;
            },
            but_public(Grant),
        ),
        ("revoked by an owner", |case| case.granted.state = GrantState::Revoked, but_public(Grant)),
        ("suspended", |case| case.granted.state = GrantState::Suspended, but_public(Grant)),
        ("restricted", |case| case.policy.fine_grained_tokens = TokenAccess::Restricted, but_public(Policy)),
        ("classic tokens restricted", |case| case.policy.classic_tokens = TokenAccess::Restricted, [None; 3]),
        (
            "lives longer than allowed",
            |case| case.policy.fine_grained_lifetime_seconds = Some(30 * 86_400 - 1),
            but_public(Policy),
        ),
        (
            "lives as long as allowed",
            |case| case.policy.fine_grained_lifetime_seconds = Some(30 * 86_400),
            [None; 3],
        ),
        ("never expires", |case| case.token.expires_at = None, but_public(Policy)),
        ("expired", |case| case.token.expires_at = Some(at(10)), [Some(Expiry); 3]),
        ("given up", |case| case.token.revoked_at = Some(at(5)), [Some(Expiry); 3]),
        ("its owner was deactivated", |case| case.owner.is_active = false, [Some(OwnerStanding); 3]),
        ("its owner left", |case| case.owner.is_member = false, but_public(OwnerStanding)),
        (
            "of other repositories",
            |case| case.granted.selection = RepositorySelection::Subset,
            but_public(Repository),
        ),
    ];
    for (name, make, expected) in fine_grained {
        let mut case = Case::new(TokenKind::FineGrained);
        make(&mut case);
        assert_eq!(case.reaches(), expected, "a fine-grained token, {name}");
    }
    let classic: [(&str, Make, Expected); 8] = [
        ("as it is", |_| {}, [None; 3]),
        ("approval is not for it", |case| case.granted.state = GrantState::None, [None; 3]),
        ("restricted", |case| case.policy.classic_tokens = TokenAccess::Restricted, but_public(Policy)),
        (
            "fine-grained restricted",
            |case| case.policy.fine_grained_tokens = TokenAccess::Restricted,
            [None; 3],
        ),
        ("never expires", |case| case.token.expires_at = None, [None; 3]),
        (
            "never expires, and must",
            |case| {
                case.token.expires_at = None;
                case.policy.classic_lifetime_seconds = Some(86_400);
            },
            but_public(Policy),
        ),
        ("of another scope", |case| case.token.scopes = vec!["gist".to_owned()], but_public(Grant)),
        (
            "for what is public",
            |case| case.token.scopes = vec!["public_repo".to_owned()],
            [Some(Grant), None, None],
        ),
    ];
    for (name, make, expected) in classic {
        let mut case = Case::new(TokenKind::Classic);
        make(&mut case);
        assert_eq!(case.reaches(), expected, "a classic token, {name}");
    }
}

#[test]
fn a_token_ends_where_its_owner_does() {
    let case = Case::new(TokenKind::FineGrained);
    let decide = |name: &str, level, given| {
        let definition = case.catalog.find(PermissionTarget::Repository, name).unwrap();
        let reached = Reached { visibility: Visibility::Private, given, is_named: false, exists: true };
        case.judge().decide(definition, level, Target::Repository(reached)).err()
    };
    let (read, write, admin) = (AccessLevel::Read, AccessLevel::Write, AccessLevel::Admin);
    assert_eq!(decide("contents", write, Some(read)), Some(Obstacle::OwnerStanding));
    assert_eq!(decide("contents", read, Some(read)), None);
    assert_eq!(decide("contents", read, None), Some(Obstacle::OwnerStanding));
    assert_eq!(decide("secrets", read, Some(write)), Some(Obstacle::OwnerStanding));
    assert_eq!(decide("secrets", write, Some(admin)), None);
    assert_eq!(decide("issues", read, Some(admin)), Some(Obstacle::Grant));
    assert_eq!(decide("metadata", read, Some(read)), None, "every token that reaches it reads this");
    let gone = Reached { visibility: Visibility::Public, given: None, is_named: true, exists: false };
    let contents = case.catalog.find(PermissionTarget::Repository, "contents").unwrap();
    assert_eq!(case.judge().decide(contents, read, Target::Repository(gone)), Err(Obstacle::Repository));
    let members = case.catalog.find(PermissionTarget::Organization, "members").unwrap();
    assert_eq!(case.judge().decide(members, read, Target::Organization), Err(Obstacle::Grant));
}

fn any_level() -> impl Strategy<Value = AccessLevel> {
    prop_oneof![Just(AccessLevel::Read), Just(AccessLevel::Write), Just(AccessLevel::Admin)]
}

prop_compose! {
    fn any_case()(
        classic: bool,
        state in prop_oneof![
            Just(GrantState::None), Just(GrantState::Pending), Just(GrantState::Denied),
            Just(GrantState::Active), Just(GrantState::Active), Just(GrantState::Revoked),
            Just(GrantState::Suspended),
        ],
        selection in prop_oneof![
            Just(RepositorySelection::None), Just(RepositorySelection::All),
            Just(RepositorySelection::Subset),
        ],
        granted in prop::collection::vec((0..200usize, any_level()), 0..6),
        scopes in prop::collection::vec(
            prop_oneof![Just("repo"), Just("public_repo"), Just("admin:org"), Just("read:org"), Just("gist")], 0..3),
        restricted in any::<[bool; 2]>(),
        approval: bool,
        lifetime in prop::option::of(1..60i64),
        expires in prop::option::of(1..60i64),
        revoked in prop::bool::weighted(0.1),
        base in prop_oneof![
            Just(BaseLevel::None), Just(BaseLevel::Read), Just(BaseLevel::Write), Just(BaseLevel::Admin)],
        is_active in prop::bool::weighted(0.9),
        is_member in prop::bool::weighted(0.8),
        in_organization in prop::option::of(any_level()),
    ) -> Case {
        let kind = if classic { TokenKind::Classic } else { TokenKind::FineGrained };
        let mut case = Case::new(kind);
        let all: Vec<Definition> = case.catalog.all().cloned().collect();
        case.granted = Granted {
            state,
            selection,
            permissions: granted.into_iter().map(|(at, level)| {
                let definition = &all[at % all.len()];
                Permission { target: definition.target, name: definition.name.to_string(), level }
            }).collect(),
        };
        case.token.scopes = scopes.into_iter().map(str::to_owned).collect();
        case.token.expires_at = expires.map(at);
        case.token.revoked_at = revoked.then(|| at(1));
        let access = |is| if is { TokenAccess::Restricted } else { TokenAccess::Allowed };
        case.policy.fine_grained_tokens = access(restricted[0]);
        case.policy.classic_tokens = access(restricted[1]);
        case.policy.token_approval_required = approval;
        case.policy.fine_grained_lifetime_seconds = lifetime.map(|days| days * 86_400);
        case.policy.classic_lifetime_seconds = lifetime.map(|days| days * 86_400);
        case.policy.base_level = base;
        case.owner = Owner { is_active, is_member, in_organization };
        case
    }
}

fn any_target() -> impl Strategy<Value = Target> {
    let visibility =
        prop_oneof![Just(Visibility::Public), Just(Visibility::Internal), Just(Visibility::Private)];
    let reached = (visibility, prop::option::of(any_level()), any::<bool>(), prop::bool::weighted(0.9));
    let repository = reached.prop_map(|(visibility, given, is_named, exists)| {
        Target::Repository(Reached { visibility, given, is_named, exists })
    });
    prop_oneof![1 => Just(Target::Organization), 5 => repository]
}

proptest! {
    #[test]
    fn a_token_never_has_more_than_its_owner(case in any_case(), target in any_target()) {
        let judge = case.judge();
        for definition in case.catalog.all() {
            for level in definition.levels() {
                if judge.decide(definition, level, target).is_ok() {
                    let own = definition.within(judge.access(target));
                    prop_assert!(own.is_some_and(|own| own >= level), "{}", definition.name);
                    prop_assert!(judge.is_live().is_ok());
                }
            }
        }
    }

    #[test]
    fn a_valid_token_never_has_less_than_an_anonymous_caller(case in any_case(), target in any_target()) {
        let judge = case.judge();
        for definition in case.catalog.all() {
            if is_public_read(definition, AccessLevel::Read, target) && judge.is_live().is_ok() {
                prop_assert_eq!(judge.decide(definition, AccessLevel::Read, target), Ok(()));
            }
        }
    }

    #[test]
    fn what_masks_a_token_leaves_public_reads_alone(case in any_case(), target in any_target()) {
        let judge = case.judge();
        if judge.is_in_force().is_err() {
            for definition in case.catalog.all() {
                for level in definition.levels() {
                    let allowed = judge.decide(definition, level, target).is_ok();
                    prop_assert!(!allowed || is_public_read(definition, level, target));
                }
            }
        }
    }

    #[test]
    fn a_level_that_is_had_holds_those_below(case in any_case(), target in any_target()) {
        let judge = case.judge();
        for definition in case.catalog.all() {
            let had: Vec<bool> = definition.levels().into_iter()
                .map(|level| judge.decide(definition, level, target).is_ok()).collect();
            prop_assert!(had.windows(2).all(|pair| pair[0] || !pair[1]), "{}: {had:?}", definition.name);
        }
    }
}
