//! What alerts: the words of the detector's settings.

use super::setting::choices;
use crate::detect::{Sensitivity, Watch};

choices!(Sensitivity { Low = "low", Medium = "medium", High = "high" });

choices!(Watch { Both = "both", Spike = "spike", Drop = "drop" });
