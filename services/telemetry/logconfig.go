package telemetry

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds of a file of appenders.
const (
	configBytesMax = 1 << 20
	configDepthMax = 8
	configNodesMax = 10_000
)

// An element is one of a file of appenders.
type element struct {
	name  string
	line  int
	attrs map[string]string
	kids  []*element
}

// A grammar says what an element may hold: attributes, those with ! being
// needed, and elements, in this order; ? is at most one of them, * any number,
// and others exactly one. Elements of free come in any order.
type grammar struct {
	attrs string
	kids  string
	free  bool
}

// grammars is the schema of files of appenders.
var grammars = map[string]grammar{
	"configuration":  {kids: "appender* root? logger*"},
	"appender":       {attrs: "name! type!", kids: "filter* evaluator? lossyevaluator? param* layout"},
	"filter":         {attrs: "type!", kids: "param*"},
	"evaluator":      {attrs: "type!", kids: "param*"},
	"lossyevaluator": {attrs: "type!", kids: "param*"},
	"layout":         {attrs: "type!", kids: "converter* param*"},
	"converter":      {kids: "param*"},
	"param":          {attrs: "name! value!"},
	"root":           {kids: "level? appender-ref*", free: true},
	"logger":         {attrs: "name! additivity", kids: "level? appender-ref*", free: true},
	"level":          {attrs: "value!"},
	"appender-ref":   {attrs: "ref!"},
}

// parseConfig reads a file of appenders and checks it against the schema. Its
// errors name the line.
func parseConfig(text []byte) (*element, error) {
	if len(text) > configBytesMax {
		return nil, fmt.Errorf("%d bytes, %d are allowed", len(text), configBytesMax)
	}
	root, err := parseXML(text)
	if err != nil {
		return nil, err
	}
	if root.name != "configuration" {
		return nil, root.errorf("the root is <configuration>")
	}
	return root, root.validate()
}

func parseXML(text []byte) (root *element, err error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	var open []*element
	nodes := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root != nil {
			return root, nil
		}
		if err != nil {
			return nil, fmt.Errorf("XML: %w", err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			line, _ := d.InputPos()
			e := &element{name: x.Name.Local, line: line, attrs: map[string]string{}}
			if nodes++; nodes > configNodesMax || len(open) >= configDepthMax {
				return nil, e.errorf("more than %d elements, or %d in each other", configNodesMax, configDepthMax)
			}
			for _, a := range x.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			if len(open) > 0 {
				parent := open[len(open)-1]
				parent.kids = append(parent.kids, e)
			} else {
				root = e
			}
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 && len(bytes.TrimSpace(x)) > 0 {
				return nil, open[len(open)-1].errorf("text where elements belong")
			}
		case xml.Directive:
			return nil, errors.New("declarations of document types are not read")
		}
	}
}

func (e *element) errorf(format string, args ...any) error {
	return fmt.Errorf("line %d, <%s>: %s", e.line, e.name, fmt.Sprintf(format, args...))
}

// validate checks an element and all in it.
func (e *element) validate() error {
	g, known := grammars[e.name]
	if !known {
		return e.errorf("there is no such element")
	}
	if err := e.validateAttrs(g.attrs); err != nil {
		return err
	}
	if err := e.validateKids(strings.Fields(g.kids), g.free); err != nil {
		return err
	}
	for _, k := range e.kids {
		if err := k.validate(); err != nil {
			return err
		}
	}
	return nil
}

func (e *element) validateAttrs(allowed string) error {
	left := map[string]bool{}
	for name := range e.attrs {
		left[name] = true
	}
	for _, a := range strings.Fields(allowed) {
		name, needed := strings.CutSuffix(a, "!")
		if needed && !left[name] {
			return e.errorf("the attribute %s is missing", name)
		}
		delete(left, name)
	}
	for name := range left {
		return e.errorf("there is no attribute %s", name)
	}
	if strings.HasPrefix(e.attrs["name"], "$") {
		return e.errorf("a name does not begin with $: %s", e.attrs["name"])
	}
	return nil
}

func (e *element) validateKids(allowed []string, free bool) error {
	count := map[string]int{}
	at := 0
	for _, k := range e.kids {
		next := index(allowed, k.name)
		if next < 0 {
			return k.errorf("it does not belong into <%s>", e.name)
		}
		if next < at && !free {
			return k.errorf("it comes too late: in <%s> the order is %s", e.name, strings.Join(allowed, " "))
		}
		at = next
		if count[k.name]++; count[k.name] > 1 && !strings.HasSuffix(allowed[next], "*") {
			return k.errorf("there is one of it already in <%s>", e.name)
		}
	}
	for _, a := range allowed {
		if !strings.HasSuffix(a, "*") && !strings.HasSuffix(a, "?") && count[a] == 0 {
			return e.errorf("<%s> is missing", a)
		}
	}
	return nil
}

func index(allowed []string, name string) int {
	for i, a := range allowed {
		if strings.TrimRight(a, "*?") == name {
			return i
		}
	}
	return -1
}

// of returns the elements in this one of a name.
func (e *element) of(name string) (list []*element) {
	for _, k := range e.kids {
		if k.name == name {
			list = append(list, k)
		}
	}
	return list
}

// params returns the parameters, by their names in lower case.
func (e *element) params() map[string]string {
	p := map[string]string{}
	for _, k := range e.of("param") {
		p[strings.ToLower(k.attrs["name"])] = k.attrs["value"]
	}
	return p
}

// kind is the type without its name space: log4net.Appender.UdpAppender is
// udpappender.
func kind(typ string) string {
	typ, _, _ = strings.Cut(typ, ",") // the assembly
	return strings.ToLower(strings.TrimSpace(typ[strings.LastIndexByte(typ, '.')+1:]))
}
