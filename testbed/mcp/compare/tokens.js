// Reads a JSON list of texts, prints a JSON list of their o200k tokens.
const { Tiktoken } = require("js-tiktoken/lite");
const encoder = new Tiktoken(require("js-tiktoken/ranks/o200k_base"));
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(texts.map((text) => encoder.encode(text, "all", []).length)));
