"""What each mechanism of the Baghdad scenarios does: one row per expectation, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Shift:
    """With the mechanism on, `quantity` is higher (`up`) or lower than with it off, because `why`."""

    mechanism: str
    up: bool
    quantity: dict[str, Any]
    world: dict[str, float]
    why: str

    @property
    def name(self) -> str:
        """Short name of the quantity for the test's id."""
        measure = next(iter(self.quantity))
        return f"{self.mechanism}-{self.quantity[measure]}" if isinstance(self.quantity[measure], str) else f"{self.mechanism}-{measure}"


def odds(option, against, **fields):
    return {"choice": option, "against": against, "scale": "log_odds", **fields}


def at(turn, period=0, *, beliefs=None, **state):
    return {"turn": turn, "at": period, "state": state} | ({"beliefs": beliefs} if beliefs else {})


RESOLVED = {"iran": {"resolved": 0.9}}
QUIET = {"incident": "none"}

CLOSURE = [
    Shift(
        "M03",
        False,
        odds("militia.attack", "militia.hold", type="obedient", at=at("militia", 1, instruction="restrain", **QUIET)),
        {"obedience": 2.0},
        "an attack against the patron's word costs an obedient militia 2, and holding costs it nothing",
    ),
    Shift(
        "M03",
        True,
        {"bits": {"about": "militia"}, "at": at("militia", 1, instruction="restrain", **QUIET)},
        {"obedience": 2.0},
        "only the obedient pay for disobeying, so what the militias do under instruction tells them apart",
    ),
    Shift(
        "M04",
        True,
        {"bits": {"move": "iran.retaliate", "about": "iran"}, "at": at("iran", 1, blow="on_iran", **QUIET)},
        {"resolve_gap": 3.0},
        "an answer is worth 3 more to the resolved; without the gap the types play alike and it says nothing",
    ),
    Shift(
        "M04",
        True,
        {
            "difference": [
                {"value": "pm", "type": "able", "at": at("pm_operation", 1, streets="crackdown", **QUIET)},
                {"value": "pm", "type": "unable", "at": at("pm_operation", 1, streets="crackdown", **QUIET)},
            ]
        },
        {"success_gap": 0.2, "authority": 0.6},
        "the able premier's crackdown succeeds oftener, and curbed militias are worth 0.6 a fortnight to him",
    ),
    Shift("M12", True, odds("usa.close", "usa.wait"), {"dividend": -0.5}, "a presence that loses half a stake a fortnight is a reason to end it"),
    Shift("M12", False, odds("usa.close", "usa.wait"), {"dividend": 0.3}, "a presence that pays is a reason to keep it"),
    Shift(
        "M13",
        True,
        {"difference": [{"choice": "usa.reassure", "type": "staying"}, {"choice": "usa.reassure", "type": "leaving"}]},
        {"exit_gap": 0.6, "lying_cost": 1.0},
        "to promise what one does not mean costs the leaving type 1; to the staying type the promise is free",
    ),
    Shift(
        "M13",
        True,
        {"bits": {"move": "usa.draw_down", "about": "usa"}},
        {"exit_gap": 0.6, "lying_cost": 1.0},
        "being out is worth more to the leaving type, so shrinking shows the wish; without the gap it shows nothing",
    ),
    Shift(
        "M14",
        True,
        odds("pm.crack_down", "pm.stand_by", at=at("pm", warning="standing", incident="militia_blamed")),
        {"pressure": 0.8},
        "under a standing warning a premier who does not act pays 0.8 a fortnight",
    ),
    Shift(
        "M14",
        False,
        odds("pm.crack_down", "pm.stand_by", at=at("pm", warning="standing", incident="militia_blamed")),
        {"pressure": -0.4},
        "where defiance pays, it speaks against acting",
    ),
    Shift(
        "M15",
        False,
        odds("pm.crack_down", "pm.stand_by", at=at("pm", incident="militia_blamed")),
        {"unrest_chance": 0.6, "unrest_cost": 2.0, "breakdown": 0.2, "downfall_cost": 5.0, "reprisal": 1.5, "embassy_shame": 1.0},
        "a crackdown then risks unrest, the premier's fall and more attacks, each of which he pays for",
    ),
    Shift(
        "M15",
        True,
        odds("militia.attack", "militia.hold", at=at("militia", 1, streets="crackdown", **QUIET)),
        {"reprisal": 1.5},
        "an attack during a crackdown is worth 1.5 more",
    ),
    Shift(
        "M16",
        True,
        odds("militia.attack", "militia.hold", at=at("militia", 1, **QUIET)),
        {"militia_embarrass": 1.2, "campaign_cost": 0.0, "iran_embarrass": 0.0},
        "before the election an attack laid to someone embarrasses the president, which is worth 1.2",
    ),
    Shift(
        "M16",
        False,
        odds("iran.restrain", "iran.abstain", at=at("iran", 1, **QUIET)),
        {"iran_embarrass": 1.2, "campaign_cost": 0.0, "militia_embarrass": 0.0, "obedience": 2.0},
        "to hold the militias back forgoes attacks before the election, each worth 1.2 to Iran",
    ),
    Shift(
        "M16",
        True,
        odds("usa.close", "usa.wait"),
        {"campaign_cost": 2.0, "militia_embarrass": 0.0, "iran_embarrass": 0.0},
        "attacks before the election cost the president 2 more, and nobody attacks an embassy that is closed",
    ),
    Shift(
        "M17",
        True,
        odds("usa.close", "usa.wait"),
        {"dread": 8.0, "overrun_chance": 0.05},
        "only an embassy that is open can be overrun, and that scene is dreaded",
    ),
    Shift(
        "M17",
        False,
        odds("usa.close", "usa.wait"),
        {"dread": -2.0, "overrun_chance": 0.05},
        "where the scene would rally voters there is less reason to close",
    ),
    Shift(
        "M18",
        True,
        odds("usa.close", "usa.wait", at=at("usa", 1, warning="standing", incident="militia_blamed")),
        {"empty_threat": 1.5},
        "to sit still when attacked under one's own warning costs 1.5; to carry it out costs no word",
    ),
    Shift("M18", False, odds("usa.warn", "usa.wait"), {"empty_threat": 1.5}, "a warning may be called, and then binds: who fears that warns less"),
    Shift(
        "M19",
        True,
        odds("usa.warn", "usa.wait"),
        {"notice": 0.9, "flight_cost": 4.0, "host_value": 0.0, "exit_wish": 0.3},
        "a warning given beforehand makes a later exit nine tenths less disorderly, and disorder costs 4",
    ),
    Shift(
        "M19",
        True,
        odds("usa.warn", "usa.wait"),
        {"host_value": 0.8, "notice": 0.0, "pressure": 0.8},
        "a warning moves the premier to act (M14), and a premier who acts is worth 0.8 a fortnight",
    ),
    Shift(
        "M20",
        True,
        odds("usa.strike_iran", "usa.wait", at=at("usa", 1, presence="closed", beliefs=RESOLVED, **QUIET)),
        {"reach_reduced": 0.3, "reach_closed": 0.0, "retaliation_harm": 5.0, "answer_reach": 0.0},
        "with nobody in reach an Iranian answer harms nobody; were exposure the same everywhere it would cost 5",
    ),
    Shift(
        "M20",
        True,
        {
            "value": "usa",
            "components": ["vulnerability"],
            "at": at("iran", 1, presence="closed", blow="on_iran", **QUIET),
            "do": [{"force": "iran.retaliate", "now": True}],
        },
        {"reach_reduced": 0.3, "reach_closed": 0.0, "retaliation_harm": 5.0},
        "the same, in stakes, once Iran answers",
    ),
    Shift(
        "M21",
        False,
        odds("usa.strike_iran", "usa.wait", at=at("usa", 1, beliefs=RESOLVED, **QUIET)),
        {"retaliation_harm": 5.0, "answer_value": 2.0},
        "Iran is expected to answer a strike, and an answer to targets in full reach costs 5",
    ),
    Shift(
        "M21",
        True,
        {
            "difference": [
                odds("usa.strike_iran", "usa.wait", at=at("usa", 1, beliefs={"iran": {"resolved": 0.1}}, **QUIET)),
                odds("usa.strike_iran", "usa.wait", at=at("usa", 1, beliefs=RESOLVED, **QUIET)),
            ]
        },
        {"retaliation_harm": 5.0, "resolve_gap": 3.0},
        "the resolved answer oftener, so belief in resolve deters the more, the more an answer harms",
    ),
    Shift(
        "M22",
        True,
        odds("usa.strike_iran", "usa.wait", at=at("usa", 6, office="lame_duck", presence="closed", **QUIET)),
        {"bury_accord": 2.5},
        "to a president who has lost, a strike is worth 2.5 more",
    ),
    Shift(
        "M22",
        False,
        odds("usa.strike_iran", "usa.wait", at=at("usa", 6, office="lame_duck", presence="closed", **QUIET)),
        {"bury_accord": -1.0},
        "where a strike would burden his record it is worth less",
    ),
    Shift(
        "M23",
        False,
        odds("usa.close", "usa.wait", at=at("usa", 1, incident="militia_blamed")),
        {"flight_cost": 4.0, "disorder_fire": 0.8, "disorder_calm": 0.0},
        "closing under fire turns into a flight four times in five, which costs 4",
    ),
    Shift(
        "M23",
        True,
        {
            "difference": [
                odds("usa.close", "usa.wait", at=at("usa", 1, **QUIET)),
                odds("usa.close", "usa.wait", at=at("usa", 1, incident="militia_blamed")),
            ]
        },
        {"flight_cost": 4.0, "disorder_fire": 0.8, "disorder_calm": 0.0},
        "so the calm after a fortnight without fire is the time to close",
    ),
]

MARCH = [{"force": "militia.besiege", "now": True}]
STAY = [{"force": "militia.stay", "now": True}]
OWED = {"score": "usa_by_iran"}
OFFERED = {"score": "offered", "settlement": "promised"}
STRUCK = {"score": "iran"}
WALLS = {"siege": "guarded", **OWED}

SIEGE = [
    Shift(
        "M01",
        True,
        odds("usa.strike_militia", "usa.wait", at=at("usa", 1, score="usa")),
        {"usa_unanswered": 0.5},
        "a blow costs half a stake every two days until it is answered",
    ),
    Shift(
        "M01",
        True,
        odds("militia.besiege", "militia.hold", at=at("militia", 2, score="militia")),
        {"militia_unanswered": 0.5},
        "the same for militias that have been struck: a march on the embassy is an answer",
    ),
    Shift(
        "M01",
        True,
        odds("iran.retaliate", "iran.swallow", at=at("iran_answer", 3, **STRUCK)),
        {"iran_unanswered": 0.5},
        "and for Iran",
    ),
    Shift(
        "M02",
        True,
        odds("iran.deny", "iran.keep_silent", at=at("iran_word", 1, **OWED)),
        {"denial_believed": 0.6, "blame_patron": 2.0, "struck_cost": 4.0},
        "a denial that is believed moves the blame to the group, and only a charge against Iran adds to the worth of striking it",
    ),
    Shift(
        "M02",
        True,
        {"count_of_move": "militia.iran_blamed", "at": at("militia", 1)},
        {"patron_named": 0.5},
        "half of the attacks are laid to the patron",
    ),
    Shift(
        "M03",
        False,
        odds("militia.attack", "militia.hold", type="obedient", at=at("militia", 5, instruction="restrain", **OFFERED)),
        {"obedience": 2.0},
        "an attack against the patron's word costs an obedient militia 2",
    ),
    Shift(
        "M03",
        True,
        {"bits": {"about": "militia"}, "at": at("militia", 5, instruction="restrain", **OFFERED)},
        {"obedience": 2.0, "precision_militia": 2.0},
        "only the obedient pay for disobeying, so what the militias do under instruction tells them apart",
    ),
    Shift(
        "M04",
        True,
        {"bits": {"move": "iran.retaliate", "about": "iran"}, "at": at("iran_answer", 3, **STRUCK)},
        {"resolve_gap": 3.0},
        "an answer is worth 3 more to the resolved",
    ),
    Shift(
        "M04",
        True,
        {
            "difference": [
                {"chance_of_move": "militia.besiege/breached", "until": 2, "at": at("militia", 2, beliefs={"iran": {"resolved": p}}), "do": MARCH}
                for p in (0.9, 0.1)
            ]
        },
        {"breach_gap": 0.6},
        "a resolved Iran has prepared its men, so that a breach speaks for it",
    ),
    Shift(
        "M05",
        True,
        {"chance_of_move": "usa.back_off", "at": at("crowd", 2, **WALLS), "do": [{"force": "militia.withdraw", "now": True}]},
        {"ramp_heard": 0.95},
        "a way out that nobody hears of cannot be taken",
    ),
    Shift(
        "M06",
        True,
        odds("militia.withdraw", "militia.stay", at=at("crowd", 2, settlement="promised", **WALLS)),
        {"vote_chance": 0.6, "law_worth": 0.5, "resign_chance": 0.6, "ally_worth": 0.5},
        "the law is voted on only once the crowd has left, and the premier goes if it stays",
    ),
    Shift(
        "M06",
        True,
        odds("pm.guarantee", "pm.stand_by", at=at("pm", 2, **WALLS)),
        {"vote_chance": 0.6, "law_worth": 0.5, "resign_chance": 0.6, "ally_worth": 0.5, "guest_shame": 0.6, "office": 0.05, "promise_cost": 0.0},
        "a promise that sends the crowd home spares the host the shame of a siege",
    ),
    Shift(
        "M07",
        False,
        {
            "chance_of_move": ["walls/stormed", "walls/shots"],
            "at": at("crowd", 2, **WALLS),
            "until": 2,
            "do": [{"force": "militia.stay", "now": True}],
        },
        {"guard_effect": 0.9, "overwhelm_chance": 0.1, "slip_chance": 0.1},
        "reinforced walls lower both dangers by nine tenths",
    ),
    Shift(
        "M07",
        True,
        odds("usa.reinforce", "usa.wait", at=at("usa", 2, siege="held", **OWED)),
        {"guard_effect": 0.9, "overwhelm_chance": 0.1, "overrun_cost": 6.0},
        "so it pays to reinforce",
    ),
    Shift(
        "M07",
        True,
        odds("militia.withdraw", "militia.stay", at=at("crowd", 2, **WALLS)),
        {"guard_fear": 0.8, "guard_effect": 0.0},
        "marines spoil a further day at the walls",
    ),
    Shift(
        "M08",
        True,
        odds("pm.guarantee", "pm.stand_by", at=at("pm", 2, siege="held", **OWED)),
        {"fall_siege": 0.1, "fall_base": 0.03, "shelter": 0.9, "office": 0.5, "resign_chance": 0.0},
        "siding with the law shelters a premier who may fall, and office is worth half a stake every two days",
    ),
    Shift(
        "M08",
        False,
        {"value": "pm", "components": ["office"], "at": at("militia", 1)},
        {"fall_base": 0.03, "office": 0.5},
        "a government that can fall is worth less to its premier",
    ),
    Shift(
        "M09",
        True,
        odds("usa.strike_iran", "usa.wait", type="diverting", at=at("usa", 3, **OFFERED)),
        {"diversion": 0.4, "diversion_gap": 0.4, "cooling": 0.02},
        "a strike opens a crisis, and while he is on trial two days of it are worth 0.6 to the diverting type",
    ),
    Shift(
        "M09",
        False,
        odds("usa.strike_iran", "usa.wait", type="steady", at=at("usa", 3, **OFFERED)),
        {"diversion": -0.3, "diversion_gap": 0.0, "cooling": 0.02},
        "where a crisis frightens the jury there is less reason to open one",
    ),
    Shift(
        "M10",
        True,
        odds("iran.retaliate", "iran.swallow", at=at("iran_answer", 3, heat="raised", **STRUCK)),
        {"defiance_iran": 1.0, "squeeze": 0.0},
        "under pressure an open answer is worth 1 more",
    ),
    Shift(
        "M10",
        False,
        odds("militia.attack", "militia.hold", at=at("militia", 3, heat="raised", **OFFERED)),
        {"defiance_militia": -0.8},
        "where pressure cows the militias an attack is worth less",
    ),
    Shift(
        "M10",
        True,
        odds("usa.sanction", "usa.wait", at=at("usa", 3, **OFFERED)),
        {"pressure_worth": 0.4, "squeeze": 0.0, "defiance_iran": 0.0, "defiance_militia": 0.0},
        "pressure that is worth something in itself is turned up",
    ),
    Shift(
        "M11",
        False,
        odds("usa.strike_iran", "usa.wait", at=at("usa", 3, **OFFERED)),
        {"war_from_strike": 0.3, "war_cost_usa": 12.0},
        "a strike that may end in war is a reason against it",
    ),
    Shift(
        "M11",
        True,
        {"chance_of_end": ["war", "both", "collapse"], "at": at("militia", 1)},
        {"fall_base": 0.03, "war_from_strike": 0.3, "war_from_answer": 0.5},
        "without them the game can end only as time runs out",
    ),
]

SHIFTS = {"baghdad-siege": SIEGE, "baghdad-closure": CLOSURE}
"""The rows of each scenario."""
