package qix

import (
	"context"
	"strconv"

	"github.com/cognate-bi/cognate/engine/object"
	"github.com/cognate-bi/cognate/engine/object/tree"
	"github.com/cognate-bi/cognate/engine/session"
)

// A call is a request on its way: parameters in, out-parameters out.
type call struct {
	ctx    context.Context //nolint:containedctx // a call lives as long as its request
	conn   *Conn
	s      *session.Session
	ref    *session.Ref // what the handle stands for, nil for Global
	method *method
	args   []*tree.Node
	out    []member
}

// arg returns a parameter by name.
func (c *call) arg(name string) *tree.Node {
	for i := range c.method.params {
		if c.method.params[i].name == name {
			return c.args[i]
		}
	}
	panic("qix: BUG: no parameter " + name)
}

func (c *call) str(name string) string       { return c.arg(name).Str() }
func (c *call) int(name string) int          { return c.arg(name).Int() }
func (c *call) bool(name string) bool        { return c.arg(name).Truth() }
func (c *call) ints(name string) []int       { return c.arg(name).Ints() }
func (c *call) strings(name string) []string { return c.arg(name).Strings() }

// put adds an out-parameter written as JSON.
func (c *call) put(name string, json []byte) { c.out = append(c.out, member{name, json}) }

func (c *call) putNode(name string, n *tree.Node) { c.put(name, n.Append(nil)) }
func (c *call) putString(name, s string)          { c.put(name, tree.AppendString(nil, s)) }
func (c *call) putBool(name string, b bool)       { c.put(name, strconv.AppendBool(nil, b)) }
func (c *call) putInt(name string, i int)         { c.put(name, strconv.AppendInt(nil, int64(i), 10)) }

// putRef adds a reference to an object. One that was not found is no error
// but a reference of nothing.
func (c *call) putRef(name string, r *session.Ref) {
	if r == nil {
		c.put(name, []byte(`{"qType":null,"qHandle":null}`))
		return
	}
	dst := tree.AppendString([]byte(`{"qType":`), string(r.Class))
	dst = strconv.AppendInt(tree.AppendKey(dst, "qHandle"), int64(r.Handle), 10)
	if r.Type != "" {
		dst = tree.AppendString(tree.AppendKey(dst, "qGenericType"), r.Type)
	}
	dst = tree.AppendString(tree.AppendKey(dst, "qGenericId"), r.ID)
	c.put(name, append(dst, '}'))
}

// putCreated adds what the methods that create items answer.
func (c *call) putCreated(r *session.Ref, err error) error {
	if err != nil {
		return err
	}
	c.putRef("qReturn", r)
	if it := c.s.Item(r.ID); it != nil {
		c.putNode("qInfo", it.Info())
	}
	return nil
}

// item returns the item that the handle stands for.
func (c *call) item() (*object.Item, error) { return c.s.ItemOf(c.ref) }

// done answers a bool of success without an error.
func (c *call) done(name string, ok bool, err error) error {
	if err != nil {
		return err
	}
	c.putBool(name, ok)
	return nil
}

func obj(members ...tree.Member) *tree.Node { return tree.NewObject(members...) }

func text(key, v string) tree.Member { return tree.Member{Key: key, Value: tree.NewString(v)} }

func integer(key string, v int) tree.Member { return tree.Member{Key: key, Value: tree.NewInt(v)} }

func float(key string, v float64) tree.Member { return tree.Member{Key: key, Value: tree.NewFloat(v)} }

func flag(key string, v bool) tree.Member       { return tree.Member{Key: key, Value: tree.NewBool(v)} }
func node(key string, v *tree.Node) tree.Member { return tree.Member{Key: key, Value: v} }
