package qix

var docSearch = map[string]method{}
