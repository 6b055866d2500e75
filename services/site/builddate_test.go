package site

import (
	"testing"

	"github.com/cognate-bi/cognate/services/repository/schema"
)

func TestBuildDate(t *testing.T) {
	var about struct{ BuildDate string }
	start(t, t.TempDir()).program(t).call(200, "GET", "about", nil, &about)
	if at, err := schema.ParseDate(about.BuildDate); err != nil || at.Year() < 2000 {
		t.Errorf("%q is no date: %v", about.BuildDate, err)
	}
}
