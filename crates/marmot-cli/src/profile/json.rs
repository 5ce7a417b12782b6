//! The advice as JSON.

use marmot::pprof::advise;
use serde::Serialize;

/// A report. Rates are absent if the time is not known.
#[derive(Debug, Serialize)]
pub struct Report {
    seconds: Option<f64>,
    objects: i64,
    bytes: i64,
    objects_per_second: Option<f64>,
    bytes_per_second: Option<f64>,
    saving: Saving,
    sites: Vec<Site>,
}

#[derive(Debug, Serialize)]
struct Site {
    function: String,
    file: String,
    line: i64,
    via: Option<String>,
    verdict: &'static str,
    objects: i64,
    bytes: i64,
    objects_in_use: i64,
    bytes_in_use: i64,
    bytes_grown: i64,
    share: f64,
    mean_size: f64,
    mean_lifetime_seconds: Option<f64>,
    objects_per_second: Option<f64>,
    bytes_per_second: Option<f64>,
    saving: Option<Saving>,
    advice: String,
}

#[derive(Debug, Serialize)]
struct Saving {
    objects: i64,
    bytes: i64,
    share: f64,
    objects_per_second: Option<f64>,
    bytes_per_second: Option<f64>,
}

impl Report {
    /// What is printed of a report.
    pub fn of(report: &advise::Report) -> Report {
        let saving = |saving: advise::Saving| Saving {
            objects: saving.objects,
            bytes: saving.bytes,
            share: saving.share,
            objects_per_second: report.per_second(saving.objects),
            bytes_per_second: report.per_second(saving.bytes),
        };
        let sites = report.sites.iter().map(|site| Site {
            function: site.function.clone(),
            file: site.file.clone(),
            line: site.line,
            via: site.via.clone(),
            verdict: site.verdict.name(),
            objects: site.objects,
            bytes: site.bytes,
            objects_in_use: site.used_objects,
            bytes_in_use: site.used_bytes,
            bytes_grown: site.grown_bytes,
            share: site.share,
            mean_size: site.mean_size(),
            mean_lifetime_seconds: site.mean_lifetime.map(|mean| mean.as_secs_f64()),
            objects_per_second: report.per_second(site.objects),
            bytes_per_second: report.per_second(site.bytes),
            saving: site.saving.map(saving),
            advice: site.advice.clone(),
        });
        Report {
            seconds: report.duration.map(|duration| duration.as_secs_f64()),
            objects: report.objects,
            bytes: report.bytes,
            objects_per_second: report.per_second(report.objects),
            bytes_per_second: report.per_second(report.bytes),
            saving: saving(report.saving()),
            sites: sites.collect(),
        }
    }
}
