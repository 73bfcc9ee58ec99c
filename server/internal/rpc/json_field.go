package rpc

import (
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// invalidFieldInJSON returns the path of the first field of a message, in the order of its
// descriptor, whose JSON is not of the field's type, and what it must be. The path is empty if
// there is none, as for JSON that is not valid. The elements of repeated fields are not
// numbered. It runs after decoding has failed, and decodes each field by itself.
func (j *jsonFormat) invalidFieldInJSON(data []byte, d protoreflect.MessageDescriptor) (path, bound string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return "", ""
	}
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		value, found := members[field.JSONName()]
		if !found {
			value, found = members[field.TextName()]
		}
		if !found || j.accepts(field, value) {
			continue
		}
		name := string(field.Name())
		if field.Message() == nil || field.IsMap() {
			return name, typeInWords(field)
		}
		elements := []json.RawMessage{value}
		if field.IsList() && json.Unmarshal(value, &elements) != nil {
			return name, "must be a list"
		}
		for _, element := range elements {
			if below, bound := j.invalidFieldInJSON(element, field.Message()); below != "" {
				return name + "." + below, bound
			}
		}
		return name, typeInWords(field)
	}
	return "", ""
}

// accepts reports whether a field can be decoded from JSON.
func (j *jsonFormat) accepts(field protoreflect.FieldDescriptor, value json.RawMessage) bool {
	data, err := json.Marshal(map[string]json.RawMessage{field.JSONName(): value})
	if err != nil {
		return false
	}
	options := protojson.UnmarshalOptions{DiscardUnknown: true, Resolver: j.resolver, RecursionLimit: maxJSONDepth}
	return options.Unmarshal(data, dynamicpb.NewMessage(field.ContainingMessage())) == nil
}

// typeInWords says what the JSON of a field must be.
func typeInWords(field protoreflect.FieldDescriptor) string {
	var one string
	switch field.Kind() {
	case protoreflect.StringKind:
		one = "a string"
	case protoreflect.BytesKind:
		one = "a string of base64"
	case protoreflect.BoolKind:
		one = "true or false"
	case protoreflect.EnumKind:
		one = fmt.Sprintf("the name or the number of a %s", field.Enum().FullName())
	case protoreflect.MessageKind, protoreflect.GroupKind:
		one = fmt.Sprintf("a %s in JSON form", field.Message().FullName())
	default:
		one = fmt.Sprintf("a number of the type %s", field.Kind())
	}
	if field.IsList() {
		return "must be a list, each of it " + one
	}
	return "must be " + one
}
