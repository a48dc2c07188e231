"""What words mean that are not everyday ones, in a sentence each: the help of headings, figures, columns and fields."""

# Answers
SURE = (
    "Sure: the probability reaches a bar above which nine in ten answers were right, and the photo resembles those "
    "that the model learnt from; otherwise it says unsure."
)
PROBABILITY = (
    "How often an answer like this one is right; calibrated, that is, corrected on photos that the model was not "
    "trained on."
)
THRESHOLD = "The bar: from which probability on an answer may be called sure."
WHERE_IT_LOOKED = "Bright where the photo speaks for the answer; dark where it says nothing, or speaks against it."

# Figures
ACCURACY = "Share of photos whose best label is right."
TOP3_ACCURACY = "Share of photos whose label is among the model's three best."
BALANCED_ACCURACY = "Share of right answers label by label, averaged: rare labels count as much as frequent ones."
PRECISION = "Of the photos that the model gave this label, the share that really show it."
RECALL = "Of the photos that show this label, the share that the model found."
F1 = "Precision and recall in one figure, their harmonic mean: high only where both are."
MACRO_F1 = "F1 of each label, averaged: rare labels count as much as frequent ones."
WEIGHTED_F1 = "F1 of each label, averaged by how many photos it has."
SURE_SHARE = "Share of photos on which the model commits itself; also called coverage."
SURE_ACCURACY = "Accuracy among the answers that it calls sure."
ECE = "Expected calibration error (ECE): how far probabilities are from the shares of right answers; 0 is best."
BRIER = "Mean squared distance of the probabilities from the truth; 0 is best, 2 worst."
LOG_LOSS = "Mean negative logarithm of the right label's probability; 0 is best."
AUROC = (
    "The chance that a photo with this label gets a higher probability of it than one without; 50 % would be guessing."
)
AVERAGE_PRECISION = "Area under the curve of precision over recall: near 100 % where a label is found without others."
RISK_COVERAGE = "How many of the sure answers are wrong (risk), over how many answers are sure (coverage), bar by bar."
INTERVAL = "95 % interval: measured again on as many other photos of this kind, the figure would mostly lie in it."
SUPPORT = "How many photos the figure rests on; with few, it jumps."
LOSS = "What training makes smaller: how far the answers are from the right labels; lower is better."

FIGURES = {
    "accuracy": ACCURACY,
    "top3_accuracy": TOP3_ACCURACY,
    "balanced_accuracy": BALANCED_ACCURACY,
    "macro_f1": MACRO_F1,
    "weighted_f1": WEIGHTED_F1,
    "sure_share": SURE_SHARE,
    "sure_accuracy": SURE_ACCURACY,
    "ece": ECE,
    "brier": BRIER,
    "log_loss": LOG_LOSS,
}
"""Figure → what it says; see ``metrics.figures``."""

# Data
SPLIT = (
    "Photos to train on, to choose and calibrate by (val), and to measure on (test): each scene is in one part alone."
)
NEAR_DUPLICATE = "Pairs that nearly show the same: resized, cropped a little, or taken a moment later."
LABEL_ISSUE = "Photos whose label a classifier that has not seen them finds less likely than another; worst first."
FINGERPRINT = "Tells which photos, labels, groups and splits these are: it changes with every one of them."
EMBEDDING = "What a photo looks like to a network, as a list of numbers: photos that look alike have similar ones."

# Models and training
MODEL = "What answers; the one in service answers here, over the API and on the command line unless another is named."
BUNDLE = "A model as one folder: the network, its labels, its figures and its card, with a checksum of each file."
RECIPE = "How a model is trained: its network, its epochs, and how photos are varied."
EPOCH = "One pass over all photos that are trained on."
PHASE = "A part of a training with a learning rate, and a share of the network, of its own."
LEARNING_RATE = "How large the steps are by which a training changes the network."
FORM = "How the network's numbers are stored: int8 is smaller and faster, float32 exact."
PARITY = "How far the stored network's probabilities are from those of the one that was trained, at most."
