// Package schema knows the entity types of the repository interface: their
// fields, limits, enumerations, references and standard operations.
//
// Terms:
//   - an entity is a document with an identity; its type has a path in the
//     interface (App, path "app") and it may be referred to;
//   - a reference is a field that holds the id of another entity, or a list of
//     such; in a stored document it is {"id": …} and nothing else;
//   - an embedded value is an object inside an entity's document
//     (CustomPropertyValue, EngineServiceSettings); it lives and dies with it;
//   - the condensed form of an entity has its id and a few of its fields;
//   - an abstract type (Task) has no entities of its own: it stands for those
//     of its children.
//
// The base fields (id, createdDate, …) are those of every entity and are not
// among a type's fields.
//
// Source: entities.json and operations.tsv, facts of the public interface
// description 38.22.0; what it does not say is in inheritance.go.
package schema
