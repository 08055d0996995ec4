//! Lives of incidents, window by window.
