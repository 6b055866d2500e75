package qix

import (
	"fmt"

	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
)

// readPatches reads NxPatch entries: the value is JSON text in a string.
func readPatches(list *tree.Node) ([]session.Patch, error) {
	var out []session.Patch
	for i, n := range list.Items() {
		op, err := tree.ParseOp(n.Get("qOp"))
		if err != nil {
			return nil, &Error{codeInvalid, err.Error(), "Invalid parameters"}
		}
		p := session.Patch{Op: op, Path: n.Get("qPath").Str()}
		if op != tree.Remove {
			if p.Value, err = tree.ParseString(n.Get("qValue").Str()); err != nil {
				return nil, &Error{codeInvalid, fmt.Sprintf("patch %d: %v", i, err), "Invalid parameters"}
			}
		}
		out = append(out, p)
	}
	return out, nil
}
