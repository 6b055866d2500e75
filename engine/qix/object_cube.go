package qix

var objectCubes = map[string]method{}
var docSearch = map[string]method{}
