package enginetest

import "testing"

// pending are the cases that need what is not built yet, with the reason.
// They run all the same; one that passes has to leave the list.
var pending = map[string]string{}

func TestConformance(t *testing.T) {
	for _, c := range Cases(t, "testdata/conformance") {
		t.Run(c.ID, func(t *testing.T) {
			problems := c.Run(t)
			why, waits := pending[c.ID]
			switch {
			case waits && len(problems) == 0:
				t.Errorf("passes: take it off the list of pending cases")
			case waits:
				t.Skipf("pending (tier %d, %s): %s", c.Tier, c.Title, why)
			}
			for _, p := range problems {
				t.Errorf("%s (tier %d, %s)", p, c.Tier, c.Confidence)
			}
		})
	}
}
