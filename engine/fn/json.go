package fn

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/cognate-bi/cognate/storage/dual"
)

// jsonPathMax bounds the steps of a JSON pointer.
const jsonPathMax = 100

var jsonFuncs = []Func{
	{Name: "IsJson", Min: 1, Max: 2, Eval: strict(isJSON)},
	{Name: "JsonGet", Min: 2, Max: 2, Eval: strict(jsonGet)},
	{Name: "JsonObject", Min: 2, Max: -1, Eval: jsonObject},
	{Name: "JsonSet", Min: 1, Max: -1, Eval: jsonSet},
	{Name: "JsonSetEx", Min: 1, Max: -1, Eval: jsonSet},
}

// A member is a name of a JSON object with its value. Objects are kept as
// lists, so that their order stays.
type member struct {
	name  string
	value json.RawMessage
}

func isJSON(c *Context, args []dual.Value) dual.Value {
	text := strings.TrimSpace(c.text(args[0]))
	if !json.Valid([]byte(text)) {
		return dual.Bool(false)
	}
	kind := jsonKind(text[0])
	switch want := strings.ToLower(c.textAt(args, 1, "value")); want {
	case "", "value":
		return dual.Bool(true)
	default:
		return dual.Bool(want == kind)
	}
}

// jsonKind tells the kind of a valid JSON value by its first byte.
func jsonKind(first byte) string {
	switch first {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

func jsonGet(c *Context, args []dual.Value) dual.Value {
	raw := json.RawMessage(strings.TrimSpace(c.text(args[0])))
	path, ok := jsonPath(c.text(args[1]))
	if !ok || !json.Valid(raw) {
		return dual.Value{}
	}
	for _, step := range path {
		if raw, ok = jsonStep(raw, step); !ok {
			return dual.Value{}
		}
	}
	return jsonValue(bytes.TrimSpace(raw))
}

// jsonPath splits a JSON pointer (RFC 6901) into its steps.
func jsonPath(pointer string) ([]string, bool) {
	if pointer == "" {
		return nil, true
	}
	steps := strings.Split(pointer, "/")
	if steps[0] != "" || len(steps) > jsonPathMax {
		return nil, false
	}
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for i := range steps {
		steps[i] = unescape.Replace(steps[i])
	}
	return steps[1:], true
}

// jsonStep returns the member or element of a container.
func jsonStep(raw json.RawMessage, step string) (json.RawMessage, bool) {
	if list, err := jsonElements(raw); err == nil {
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(list) {
			return nil, false
		}
		return list[i], true
	}
	list, err := jsonMembers(raw)
	if err != nil {
		return nil, false
	}
	for _, m := range list {
		if m.name == step {
			return m.value, true
		}
	}
	return nil, false
}

func jsonElements(raw json.RawMessage) (list []json.RawMessage, err error) {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '[' {
		return nil, strconv.ErrSyntax
	}
	err = json.Unmarshal(raw, &list)
	return list, err
}

func jsonMembers(raw json.RawMessage) ([]member, error) {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' {
		return nil, strconv.ErrSyntax
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var list []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{}
		m.name, _ = name.(string)
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

// jsonValue turns a JSON value into one of ours: objects and arrays stay text.
func jsonValue(raw json.RawMessage) dual.Value {
	switch jsonKind(raw[0]) {
	case "null":
		return dual.Value{}
	case "boolean":
		return dual.Bool(raw[0] == 't')
	case "number":
		x, err := strconv.ParseFloat(string(raw), 64)
		if err != nil {
			return dual.String(string(raw))
		}
		return dual.Number(x)
	case "string":
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return dual.Value{}
		}
		return dual.String(s)
	}
	return dual.String(string(raw))
}

// AppendJSON appends a value as JSON: numbers as numbers, JSON objects and
// arrays as they are, other text as a string.
func (c *Context) AppendJSON(dst []byte, v dual.Value) []byte {
	switch {
	case v.IsNull():
		return append(dst, "null"...)
	case v.HasNum():
		return strconv.AppendFloat(dst, v.Num, 'g', -1, 64)
	}
	s := strings.TrimSpace(v.Text)
	if s != "" && (s[0] == '{' || s[0] == '[') && json.Valid([]byte(s)) {
		return append(dst, s...)
	}
	return appendJSONString(dst, v.Text)
}

func appendJSONString(dst []byte, s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil { // cannot happen for a string
		return append(dst, `""`...)
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
}

func jsonObject(c *Context, args []dual.Value) dual.Value {
	if len(args)%2 != 0 {
		return dual.Value{}
	}
	out := []byte{'{'}
	for i := 0; i < len(args); i += 2 {
		if args[i].IsNull() {
			return dual.Value{}
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendJSONString(out, c.text(args[i])), ':')
		out = c.AppendJSON(out, args[i+1])
	}
	return dual.String(string(append(out, '}')))
}

func jsonSet(c *Context, args []dual.Value) dual.Value {
	raw := json.RawMessage(strings.TrimSpace(c.text(args[0])))
	if args[0].IsNull() || len(args)%2 != 1 || !json.Valid(raw) {
		return dual.Value{}
	}
	for i := 1; i < len(args); i += 2 {
		path, ok := jsonPath(c.text(args[i]))
		if !ok {
			return dual.Value{}
		}
		value := json.RawMessage(strings.TrimSpace(c.text(args[i+1])))
		if args[i+1].IsNull() || !json.Valid(value) {
			value = c.AppendJSON(nil, args[i+1])
		}
		if raw, ok = jsonPut(raw, path, value); !ok {
			return dual.Value{}
		}
	}
	return dual.String(string(raw))
}

// jsonPut returns raw with the value at path set or added. Its depth is that
// of the path, which jsonPath bounds.
func jsonPut(raw json.RawMessage, path []string, value json.RawMessage) (json.RawMessage, bool) {
	if len(path) == 0 {
		return value, true
	}
	if list, err := jsonElements(raw); err == nil {
		return jsonPutElement(list, path, value)
	}
	list, err := jsonMembers(raw)
	if err != nil {
		return nil, false
	}
	at := len(list)
	for i, m := range list {
		if m.name == path[0] {
			at = i
		}
	}
	if at == len(list) {
		if len(path) > 1 {
			return nil, false
		}
		list = append(list, member{name: path[0], value: value})
	}
	put, ok := jsonPut(list[at].value, path[1:], value)
	list[at].value = put
	out := []byte{'{'}
	for i, m := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(appendJSONString(out, m.name), ':'), m.value...)
	}
	return append(out, '}'), ok
}

// jsonPutElement is jsonPut for an array, where "-" means behind its end.
func jsonPutElement(list []json.RawMessage, path []string, value json.RawMessage) (json.RawMessage, bool) {
	at, err := strconv.Atoi(path[0])
	if path[0] == "-" {
		at, err = len(list), nil
	}
	if err != nil || at < 0 || at > len(list) || at == len(list) && len(path) > 1 {
		return nil, false
	}
	if at == len(list) {
		list = append(list, value)
	}
	put, ok := jsonPut(list[at], path[1:], value)
	list[at] = put
	out := append([]byte{'['}, bytes.Join(asBytes(list), []byte{','})...)
	return append(out, ']'), ok
}

func asBytes(list []json.RawMessage) [][]byte {
	out := make([][]byte, len(list))
	for i, e := range list {
		out[i] = e
	}
	return out
}
