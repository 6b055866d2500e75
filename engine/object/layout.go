package object

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/engine/object/tree"
)

// A Def is a definition inside properties that the host evaluates.
type Def struct {
	Object string     // id of the object
	Name   string     // qHyperCubeDef, qListObjectDef, qFieldListDef ...
	Path   string     // where it stands: /box/qHyperCubeDef
	State  string     // the alternate state in force there, "$" by default
	Node   *tree.Node // the definition
}

// A Host evaluates what a layout needs to know about the app: the session
// does, and tests do without data.
type Host interface {
	// Expression evaluates a chart expression. An error of the expression is
	// the text of its result, not an error.
	Expression(ctx context.Context, expr, state string) (text string, num float64, err error)
	// AppendDef writes the layout of a definition. known = false means that
	// the name is none of a definition: the member travels on as it is.
	AppendDef(ctx context.Context, dst []byte, def Def) (out []byte, known bool, err error)
}

// A View is an object as one session sees it.
type View struct {
	ID          string
	Props       *tree.Node // effective properties: extended and patched
	SoftPatched bool
	InSelection bool       // the object is modal
	Made        bool       // and something has been selected since
	Meta        *tree.Node // members of qMeta that the app adds
}

// AppendLayout writes the layout of a generic object.
func AppendLayout(ctx context.Context, dst []byte, v View, h Host) ([]byte, error) {
	w := walker{ctx: ctx, host: h, object: v.ID}
	dst = append(dst, '{')
	dst = v.Props.Get("qInfo").Append(tree.AppendKey(dst, "qInfo"))
	dst = Meta(v.Props, v.Meta).Append(tree.AppendKey(dst, "qMeta"))
	dst = append(tree.AppendKey(dst, "qSelectionInfo"), '{')
	if v.InSelection {
		dst = append(tree.AppendKey(dst, "qInSelections"), "true"...)
	}
	if v.Made {
		dst = append(tree.AppendKey(dst, "qMadeSelections"), "true"...)
	}
	dst = append(dst, '}')
	if v.SoftPatched {
		dst = append(tree.AppendKey(dst, "qHasSoftPatches"), "true"...)
	}
	dst, err := w.members(dst, v.Props.Without("qInfo").Without("qMetaDef"), "", "$")
	if err != nil {
		return nil, fmt.Errorf("layout of %s: %w", v.ID, err)
	}
	return append(dst, '}'), nil
}

// Meta returns the qMeta of properties: what the client wrote into qMetaDef,
// and what the app adds.
func Meta(props, added *tree.Node) *tree.Node {
	meta := props.Get("qMetaDef")
	if meta.Kind() != tree.Object {
		meta = tree.NewObject()
	}
	return added.Merge(meta)
}

// A walker writes the layout of one object.
type walker struct {
	ctx    context.Context //nolint:containedctx // lives for one call
	host   Host
	object string
}

// hidden are the members that no layout has.
var hidden = map[string]bool{"qLayoutExclude": true, "qEmbeddedMediaDef": true}

func (w *walker) members(dst []byte, n *tree.Node, path, state string) ([]byte, error) {
	if s := n.Get("qStateName").Str(); s != "" {
		state = s
	}
	var err error
	for i := range n.Len() {
		if hidden[n.Key(i)] {
			continue
		}
		if dst, err = w.member(dst, n.Key(i), n.Item(i), path+"/"+n.Key(i), state); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func (w *walker) member(dst []byte, key string, v *tree.Node, path, state string) ([]byte, error) {
	if name, ok := strings.CutSuffix(key, "Def"); ok && strings.HasPrefix(key, "q") && v.Kind() == tree.Object {
		if s := v.Get("qStateName").Str(); s != "" {
			state = s
		}
		out, known, err := w.host.AppendDef(w.ctx, tree.AppendKey(dst, name), Def{w.object, key, path, state, v})
		if err != nil || known {
			return out, err
		}
	}
	return w.value(tree.AppendKey(dst, key), v, path, state)
}

func (w *walker) value(dst []byte, v *tree.Node, path, state string) ([]byte, error) {
	switch v.Kind() {
	case tree.Object:
		if e := v.Get("qStringExpression"); e != nil {
			text, _, err := w.expression(e, state)
			return tree.AppendString(dst, text), err
		}
		if e := v.Get("qValueExpression"); e != nil {
			_, num, err := w.expression(e, state)
			return tree.AppendFloat(dst, num), err
		}
		dst, err := w.members(append(dst, '{'), v, path, state)
		return append(dst, '}'), err
	case tree.Array:
		dst = append(dst, '[')
		var err error
		for i, item := range v.Items() {
			if dst, err = w.value(tree.AppendComma(dst), item, path+"/"+strconv.Itoa(i), state); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	}
	return v.Append(dst), nil
}

func (w *walker) expression(e *tree.Node, state string) (string, float64, error) {
	if err := w.ctx.Err(); err != nil {
		return "", 0, err
	}
	return w.host.Expression(w.ctx, ExprText(e), state)
}

// ExprText returns the text of an expression member, which clients write as a
// string, as {"qExpr": ...} or in the old form {"qv": ...}.
func ExprText(e *tree.Node) string {
	if e.Kind() == tree.String {
		return e.Str()
	}
	for _, key := range []string{"qExpr", "qv"} {
		if s := e.Get(key).Str(); s != "" {
			return s
		}
	}
	for _, key := range []string{"qStringExpression", "qValueExpression"} {
		if inner := e.Get(key); inner != nil {
			return ExprText(inner)
		}
	}
	return ""
}

// AppendEntry writes one entry of a list: the info and meta of an item and
// the asked parts of its properties. A path that finds nothing gives null, as
// clients tell a missing member from a false one.
func AppendEntry(dst []byte, it *Item, meta, data *tree.Node) []byte {
	dst = append(dst, '{')
	dst = it.Info().Append(tree.AppendKey(dst, "qInfo"))
	dst = Meta(it.Props, meta).Append(tree.AppendKey(dst, "qMeta"))
	dst = append(tree.AppendKey(dst, "qData"), '{')
	for i := range data.Len() {
		if data.Kind() == tree.Object {
			dst = it.Props.At(data.Item(i).Str()).Append(tree.AppendKey(dst, data.Key(i)))
		}
	}
	return append(dst, '}', '}')
}
