package rules

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// An Action is a set of things to do with a resource, one bit each. In JSON it
// is a whole number, as clients of the repository expect.
type Action uint32

// The actions, with the bits that stored rules have.
const (
	None          Action = 0
	Create        Action = 1 << 0 // of licence and load balancing rules: allow
	Read          Action = 1 << 1
	Update        Action = 1 << 2
	Delete        Action = 1 << 3
	Export        Action = 1 << 4 // an app as a file
	Publish       Action = 1 << 5 // a resource into a stream, or into the stream
	ChangeOwner   Action = 1 << 6
	ChangeRole    Action = 1 << 7
	ExportData    Action = 1 << 8 // images, documents and data out of an app
	OfflineAccess Action = 1 << 9
	Distribute    Action = 1 << 10
	Duplicate     Action = 1 << 11
	Approve       Action = 1 << 12 // an object of an app
	All           Action = 1<<32 - 1
)

// Allow is what licence and load balancing rules grant.
const Allow = Create

// actionNames are the names by bit, as conditions and privileges spell them.
var actionNames = [...]string{
	"create", "read", "update", "delete", "export", "publish", "changeowner", "changerole",
	"exportdata", "offlineaccess", "distribute", "duplicate", "approve",
}

// bitPrefix begins the name of a bit that has no other.
const bitPrefix = "bit"

// Each calls f for every single action of a, lowest bit first.
func (a Action) Each(f func(Action)) {
	for ; a != 0; a &= a - 1 {
		f(a & -a)
	}
}

// Names returns the names of the actions in a, lowest bit first: the list of
// privileges of an entity. Bits without a name are left out.
func (a Action) Names() []string {
	names := []string{}
	for i, name := range actionNames {
		if a&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// String returns names with commas, "none" or "all". ParseAction reads it.
func (a Action) String() string {
	switch a {
	case None:
		return "none"
	case All:
		return "all"
	}
	names := a.Names()
	(a &^ (1<<len(actionNames) - 1)).Each(func(bit Action) {
		names = append(names, bitPrefix+strconv.Itoa(bits.TrailingZeros32(uint32(bit))))
	})
	return strings.Join(names, ", ")
}

// single says whether a is exactly one action.
func (a Action) single() bool { return bits.OnesCount32(uint32(a)) == 1 }

// ParseAction reads names of actions with commas between them, in any case.
func ParseAction(s string) (Action, error) {
	var a Action
	for _, name := range strings.Split(s, ",") {
		bit, ok := actionByName(strings.TrimSpace(name))
		if !ok {
			return None, fmt.Errorf("rules: no action %q", strings.TrimSpace(name))
		}
		a |= bit
	}
	return a, nil
}

func actionByName(name string) (Action, bool) {
	for i, known := range actionNames {
		if strings.EqualFold(name, known) {
			return 1 << i, true
		}
	}
	switch strings.ToLower(name) {
	case "none":
		return None, true
	case "all":
		return All, true
	}
	digits, ok := strings.CutPrefix(name, bitPrefix)
	if bit, err := strconv.ParseUint(digits, 10, 5); ok && err == nil {
		return 1 << bit, true
	}
	return None, false
}
