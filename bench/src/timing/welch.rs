//! Welch's t-test over two streams of numbers.

/// One stream: count, mean, and squared differences from it (Welford).
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Stream {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let before = value - self.mean;
        self.mean += before / self.count;
        self.squares += before * (value - self.mean);
    }

    /// The variance of the mean.
    fn error(&self) -> f64 {
        self.squares / (self.count - 1.0).max(1.0) / self.count.max(1.0)
    }
}

/// Two streams.
#[derive(Clone, Copy, Debug, Default)]
pub struct Welch {
    first: Stream,
    second: Stream,
}

impl Welch {
    /// Adds a number to a stream.
    pub fn add(&mut self, is_first: bool, value: f64) {
        if is_first { self.first.add(value) } else { self.second.add(value) }
    }

    /// How many standard errors the means are apart.
    pub fn t(&self) -> f64 {
        let error = (self.first.error() + self.second.error()).sqrt();
        if error > 0.0 { (self.first.mean - self.second.mean) / error } else { 0.0 }
    }

    /// The means.
    pub fn means(&self) -> (f64, f64) {
        (self.first.mean, self.second.mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_of_means_is_counted_in_standard_errors() {
        let mut welch = Welch::default();
        for (a, b) in [(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)] {
            welch.add(true, a);
            welch.add(false, b);
        }
        // Variances 1 and 4, three of each: (2 - 4) / sqrt(1/3 + 4/3).
        assert!((welch.t() + 2.0 / (5.0_f64 / 3.0).sqrt()).abs() < 1e-12, "{}", welch.t());
        assert_eq!(welch.means(), (2.0, 4.0));
    }

    #[test]
    fn streams_without_variance_say_nothing() {
        assert_eq!(Welch::default().t(), 0.0);
    }
}
