package tree

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Op is a kind of patch.
type Op uint8

// The operations of a patch. Replace of a missing member works as Add:
// clients rely on it.
const (
	Add Op = iota
	Remove
	Replace
)

// ErrPath says that a path leads nowhere.
var ErrPath = errors.New("path not found")

// ParseOp reads add, remove or replace in any letter case, or their numbers.
func ParseOp(n *Node) (Op, error) {
	if n.Kind() == Number {
		if i := n.Int(); i >= 0 && i <= int(Replace) {
			return Op(i), nil
		}
	}
	switch strings.ToLower(n.Str()) {
	case "add":
		return Add, nil
	case "remove":
		return Remove, nil
	case "replace":
		return Replace, nil
	}
	return 0, fmt.Errorf("unknown patch operation %s", n.JSON())
}

// splitPath cuts "/a/0/b" into its parts, with ~1 and ~0 undone (RFC 6901).
// "" and "/" are the root.
func splitPath(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.Contains(p, "~") {
			parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "~1", "/"), "~0", "~")
		}
	}
	return parts
}

// At returns the value at a path, nil when there is none.
func (n *Node) At(path string) *Node {
	for _, part := range splitPath(path) {
		if n.Kind() != Array {
			n = n.Get(part)
			continue
		}
		i, err := strconv.Atoi(part)
		if err != nil || i < 0 || i >= len(n.items) {
			return nil
		}
		n = n.items[i]
	}
	return n
}

// Patch returns the tree with one operation done. Objects on the way that do
// not exist are made, as clients patch into defaults that were left out.
func (n *Node) Patch(op Op, path string, v *Node) (*Node, error) {
	parts := splitPath(path)
	if len(parts) > defaultDepth {
		return nil, fmt.Errorf("patch %s: %w", path[:80], ErrTooDeep)
	}
	out, err := n.patch(op, parts, v)
	if err != nil {
		return nil, fmt.Errorf("patch %s: %w", path, err)
	}
	return out, nil
}

func (n *Node) patch(op Op, parts []string, v *Node) (*Node, error) {
	if len(parts) == 0 {
		if op == Remove {
			return nil, errors.New("the root cannot be removed")
		}
		return v, nil
	}
	if n.Kind() == Array {
		return n.patchItem(op, parts, v)
	}
	key, rest := parts[0], parts[1:]
	if op == Remove && len(rest) == 0 {
		return n.Without(key), nil // removing what is not there changes nothing
	}
	child, err := n.Get(key).patch(op, rest, v)
	if err != nil {
		return nil, err
	}
	return n.With(key, child), nil
}

// patchItem patches an item of an array, or one behind it.
func (n *Node) patchItem(op Op, parts []string, v *Node) (*Node, error) {
	key, rest := parts[0], parts[1:]
	at := len(n.items)
	if key != "-" {
		i, err := strconv.Atoi(key)
		if err != nil || i < 0 || i > len(n.items) {
			return nil, fmt.Errorf("%w: item %s of %d", ErrPath, key, len(n.items))
		}
		at = i
	}
	items := append([]*Node(nil), n.items...)
	switch {
	case len(rest) == 0 && (op == Add || op == Replace && at == len(items)):
		items = append(items[:at], append([]*Node{v}, items[at:]...)...)
	case at == len(items):
		return nil, fmt.Errorf("%w: item %s of %d", ErrPath, key, len(n.items))
	case len(rest) == 0 && op == Remove:
		items = append(items[:at], items[at+1:]...)
	default:
		child, err := items[at].patch(op, rest, v)
		if err != nil {
			return nil, err
		}
		items[at] = child
	}
	return NewArray(items...), nil
}
