package qvf

import "encoding/json"

// A dataModel is what is needed of the stream qvapp_meta.
type dataModel struct {
	Fields []struct {
		Name    string   `json:"qname"`
		Comment string   `json:"qcomment"`
		Tags    []string `json:"qtags"`
	} `json:"qfields"`
	Tables []struct {
		Name    string `json:"qname"`
		Comment string `json:"qcomment"`
		Loose   bool   `json:"qloose"`
	} `json:"qtables"`
}

func (m *dataModel) parse(raw json.RawMessage) error { return json.Unmarshal(raw, m) }
