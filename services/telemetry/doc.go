// Package telemetry writes what a site tells of itself: audit logs, service
// logs and metrics.
//
// Logs are files of rows in the form that monitors of such sites read:
//
//	<root>/<Service>/<sub>/<Machine>_<Kind>_<Service>.txt
//
// UTF-8 with a row of names first, fields separated by tabs, a row per line.
// Within fields tab, line feed, form feed and carriage return are replaced, so
// that no value can forge a field or a row. A file is rolled over when it is
// full, old, or was left by an earlier process; it then ends in the time in UTC
// and .log.
//
// Rows of the audit security log are chained: the checksum of a row covers the
// checksum of the row before, also across files, so that no row can be changed,
// taken out or put in unnoticed ([Verify]). What is rolled over is signed.
package telemetry

import "strings"

// replaced are the characters that would break a row.
var replaced = strings.NewReplacer("\t", "⇔", "\n", "↓", "\f", "→", "\r", "↵")

// field returns a text as it stands in a row.
func field(text string) string {
	if !strings.ContainsAny(text, "\t\n\f\r") {
		return text
	}
	return replaced.Replace(text)
}

// timestamp is the format of times in rows.
const timestamp = "20060102T150405.000-0700"
