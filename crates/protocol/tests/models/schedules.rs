//! Runs a scenario under many schedules.

use std::panic::{AssertUnwindSafe, catch_unwind};

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, Runner};

use crate::facts;
use crate::store::Defect;

/// A race, on a store with or without a defect.
pub type Scenario = fn(Defect);

/// Schedules of each kind unless `ASSENT_SCHEDULES` asks for more.
const SCHEDULES: usize = 5_000;
/// A planted defect shows within so many schedules, or its scenario could not fail.
const SCHEDULES_OF_DEFECTS: usize = 20_000;
/// How many times PCT changes its mind about who goes first: few suffice for most races.
const PCT_DEPTH: usize = 3;

/// The scenario holds, whatever the schedule.
pub fn holds(scenario: Scenario) {
    // Keys take more stack than shuttle's threads have.
    facts::client();
    let asked = std::env::var("ASSENT_SCHEDULES").ok().and_then(|text| text.parse().ok());
    let schedules = SCHEDULES.max(asked.unwrap_or_default());
    shuttle::check_random(move || scenario(Defect::None), schedules);
    shuttle::check_pct(move || scenario(Defect::None), schedules, PCT_DEPTH);
}

/// The control: on a store with this defect some schedule breaks the scenario.
pub fn catches(defect: Defect, scenario: Scenario) {
    let random = RandomScheduler::new_from_seed(1, SCHEDULES_OF_DEFECTS);
    let pct = PctScheduler::new_from_seed(1, PCT_DEPTH, SCHEDULES_OF_DEFECTS);
    let caught = is_broken(random, defect, scenario) || is_broken(pct, defect, scenario);
    assert!(caught, "no schedule shows {defect:?}: the scenario cannot fail");
}

fn is_broken(scheduler: impl Scheduler + 'static, defect: Defect, scenario: Scenario) -> bool {
    facts::client();
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    let runner = Runner::new(scheduler, config);
    catch_unwind(AssertUnwindSafe(|| runner.run(move || scenario(defect)))).is_err()
}
