package site

import (
	"os"
	"runtime/debug"
	"time"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

// buildDate is when this program was made: the time of what it was made from,
// else that of its file. Clients read a date there.
func buildDate() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return schema.FormatDate(t)
			}
		}
	}
	name, err := os.Executable()
	if err != nil {
		return schema.NullDate
	}
	file, err := os.Stat(name)
	if err != nil {
		return schema.NullDate
	}
	return schema.FormatDate(file.ModTime())
}
